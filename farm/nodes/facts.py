"""What a node says of itself."""

from __future__ import annotations

from dataclasses import dataclass

from farm.errors import FarmError
from farm.nodes.probe.binfmt import Handler
from farm.platforms import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundEngine:
    """What the probe found to build with: kind of engine, socket on the node, and the version that it says it is.

    For `docker` that is the Docker Engine's: the BuildKit inside may say of itself only `v0.0.0+unknown`, as Debian's.
    `problem` is None for a usable one, else one line that says why not (no permission, nobody listens, frozen), and
    `fix` how to mend it. `denied` tells a refusal (no permission, no image store) from a daemon that may come back.
    `runs_containers` holds for a Docker or Podman that answers, though its own BuildKit may be of no use or not there.
    """

    engine: str
    socket: str
    version: str | None = None
    problem: str | None = None
    fix: str | None = None
    denied: bool = False
    runs_containers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One node as its kernel, userland and CPU describe it. Sizes in bytes, temperature in degrees Celsius.

    `native` holds the platforms that the CPU runs itself, the node's own first; `emulated` those that only an emulator
    runs. `disk_*` is the file system of the engine's cache. `clock_skew` is in seconds, positive if the node is ahead.
    `aarch32` says whether an arm64 node runs 32-bit ARM programs, None where it could not say; `handlers` are the
    emulators that its kernel starts. `machine_id` (machine-id(5)), `boot_id` and the `host_key` of its SSH server
    tell machines apart (farm.nodes.identity).
    """

    node: str
    machine: str
    kernel: str
    userland: str
    cpu_model: str
    cpu_count: int
    page_size: int | None
    native: tuple[Platform, ...]
    emulated: tuple[Platform, ...]
    memory_total: int
    memory_available: int
    load: float
    disk_free: int | None
    disk_total: int | None
    temperature: float | None
    engines: tuple[FoundEngine, ...]
    clock_skew: float | None = None
    hostname: str | None = None
    machine_id: str | None = None
    boot_id: str | None = None
    host_key: str | None = None
    aarch32: bool | None = None
    handlers: tuple[Handler, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable:
    """A node that gave no facts, and the error that says why."""

    node: str
    error: FarmError
