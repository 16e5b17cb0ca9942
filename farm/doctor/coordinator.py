"""All that is known of the coordinator when it is judged."""

from __future__ import annotations

from dataclasses import dataclass

from farm.errors import FarmError


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """One of farm's own folders, or what would hold it. `problem` says why nothing can be written there."""

    path: str
    variable: str
    free: int | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A registry as the coordinator sees it.

    `error` says why it does not answer, `asks` whether it wants a login; `problem` why Docker's settings gave none.
    """

    domain: str
    is_pushed_to: bool = True
    error: FarmError | None = None
    asks: bool = False
    is_known: bool = False
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownHosts:
    """A file of host keys that nodes are checked against. `problem` says why it cannot be read."""

    path: str
    nodes: tuple[str, ...]
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLock:
    """An image that a run has locked: since how many seconds, and by whom in words, with the process's number."""

    image: str
    holder: str
    pid: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Coordinator:
    """This machine. `buildx` is its path, `buildx_version` None where it did not say one.

    `agent` is None where no ssh-agent is named, else whether it answers. `clock_error` is by how many seconds its clock
    differs from that of its nodes, where those agree; `open_files` is the limit for one process.
    """

    buildx: str | None
    buildx_version: str | None = None
    has_git: bool = True
    agent: bool | None = None
    folders: tuple[Folder, ...] = ()
    registries: tuple[Login, ...] = ()
    known_hosts: tuple[KnownHosts, ...] = ()
    locks: tuple[HeldLock, ...] = ()
    open_files: int | None = None
    node_count: int = 1
    clock_error: float = 0.0
