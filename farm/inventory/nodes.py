"""What an inventory is once it is read: nodes, registries, what holds for the whole farm, and where that was said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from farm.inventory.images import Image
from farm.inventory.nights import Housekeeping, Nightly, Notify
from farm.inventory.patience import Retry, Timeouts
from farm.platforms import Platform

Engine = Literal["auto", "buildkitd", "docker", "container", "local"]
"""What runs BuildKit on a node: `auto` takes what the probe finds, `docker` is the BuildKit inside Docker Engine,
`container` is one that farm keeps in a container of the node's Docker or Podman, and `local` is what the coordinator
itself has, without SSH."""

IoClass = Literal["best-effort", "idle"]
"""How builds share the node's disk with what else it does (ioprio_set(2))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What builds may take of a node that also serves; None is no limit.

    `memory` is in bytes for all builds together, `cpus` in whole cores and parts of them, `nice` from 0 to 19,
    `parallel` the number of steps that BuildKit runs at the same time.
    """

    memory: int | None = None
    cpus: float | None = None
    nice: int | None = None
    io: IoClass | None = None
    parallel: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """The HTTP proxy of a home: URLs for what is fetched over http and https, and the hosts that are reached without.

    A URL may hold a login: it is a secret.
    """

    http: str | None = field(default=None, repr=False)
    https: str | None = field(default=None, repr=False)
    no_proxy: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """How a node is woken, put to sleep and cycled from the coordinator. Times in seconds.

    `mac` is woken by Wake-on-LAN through `broadcast`. `wake`, `cycle` and `off` are commands as argv, run on the
    coordinator, each for `command_within` at most; they may hold a smart plug's password. A woken node is awaited for
    `wake_within`; `sleep_after` puts back to sleep what a run has woken.
    """

    mac: str | None = None
    broadcast: str = "255.255.255.255"
    wake: tuple[str, ...] = field(default=(), repr=False)
    cycle: tuple[str, ...] = field(default=(), repr=False)
    off: tuple[str, ...] = field(default=(), repr=False)
    wake_within: float = 120.0
    command_within: float = 30.0
    sleep_after: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """How a registry is reached where that is not HTTPS with a well-known certificate.

    `http` is plain HTTP; `ca` is a PEM file on the coordinator that signs the registry's certificate. `mirrors` are
    asked first, in this order, each `host[:port][/path]` and itself an entry where it needs one. Builds may use it for
    what `push` and `pull` say.
    """

    http: bool = False
    ca: Path | None = None
    mirrors: tuple[str, ...] = ()
    push: bool = True
    pull: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One board, as its owner declares it. None means "not said": SSH's own configuration, or the probe, decides.

    `host` is None only with engine `local`. No `platforms` means those that the probe finds. `socket` and
    `known_hosts`: a path on the node and a path on the coordinator. `jump` is `[user@]host[:port]`. `slots` is the
    number of builds that the node runs at the same time. `image` is what the `container` engine runs, None for farm's
    own choice. `proxy` and `registries` are whole: what the farm says, with what the node says instead.
    """

    name: str
    host: str | None = None
    port: int | None = None
    user: str | None = None
    key: Path | None = None
    known_hosts: Path | None = None
    platforms: tuple[Platform, ...] = ()
    engine: Engine = "auto"
    socket: str | None = None
    jump: str | None = None
    labels: tuple[str, ...] = ()
    slots: int = 1
    image: str | None = None
    limits: Limits = field(default_factory=Limits)
    proxy: Proxy | None = None
    registries: Mapping[str, Registry] = field(default_factory=dict)
    power: Power | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """All nodes and images by name and all registries by `host[:port]`, in the order of the file that `source` names.

    `cache` is the repository of the nodes' shared build cache, True for each image's own, False for none.
    """

    nodes: Mapping[str, Node]
    registries: Mapping[str, Registry] = field(default_factory=dict)
    retry: Retry = field(default_factory=Retry)
    timeouts: Timeouts = field(default_factory=Timeouts)
    cache: str | bool = False
    proxy: Proxy | None = None
    images: Mapping[str, Image] = field(default_factory=dict)
    nightly: Nightly = field(default_factory=Nightly)
    notify: Notify | None = None
    housekeeping: Housekeeping | None = None
    source: str


BUILT_IN = Inventory(nodes={"local": Node(name="local", engine="local")}, source="built in")
"""The inventory of somebody who has none: this machine's own BuildKit or Docker."""
