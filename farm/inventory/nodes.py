"""What an inventory is once it is read: nodes, registries, what holds for the whole farm, and where that was said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from farm.inventory.patience import Retry, Timeouts
from farm.platforms import Platform

Engine = Literal["auto", "buildkitd", "docker", "local"]
"""What runs BuildKit on a node: `auto` takes what the probe finds, `docker` is the BuildKit inside Docker Engine, and
`local` is what the coordinator itself has, without SSH."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One board, as its owner declares it. None means "not said": SSH's own configuration, or the probe, decides.

    `host` is None only with engine `local`. No `platforms` means those that the probe finds. `socket` and
    `known_hosts`: a path on the node and a path on the coordinator. `jump` is `[user@]host[:port]`. `slots` is the
    number of builds that the node runs at the same time.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """How a registry is reached where that is not HTTPS with a well-known certificate.

    `http` is plain HTTP; `ca` is a PEM file on the coordinator that signs the registry's certificate.
    """

    http: bool = False
    ca: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """All nodes by name and all registries by `host[:port]`, in the order of the file that `source` names.

    `cache` is the repository of the nodes' shared build cache, True for each image's own, False for none.
    """

    nodes: Mapping[str, Node]
    registries: Mapping[str, Registry] = field(default_factory=dict)
    retry: Retry = field(default_factory=Retry)
    timeouts: Timeouts = field(default_factory=Timeouts)
    cache: str | bool = False
    source: str


BUILT_IN = Inventory(nodes={"local": Node(name="local", engine="local")}, source="built in")
"""The inventory of somebody who has none: this machine's own BuildKit or Docker."""
