"""All that a node needs, in order. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from farm.errors import UsageError
from farm.inventory import Node
from farm.nodes.settings import proxy_env
from farm.provision import buildkitd, clock, docker, memory, podman, sshd
from farm.provision.board import Board
from farm.provision.choice import Choice, Kind
from farm.provision.step import Step, Upload


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What was asked for on the command line; None is "not said".

    `swap` is in bytes; `only` names the steps to look at, none for all.
    """

    engine: Kind | None = None
    rootless: bool | None = None
    swap: int | None = None
    zram: bool = False
    only: frozenset[str] = field(default_factory=frozenset)


# Steps that nobody gets who has not asked for them, by a flag or by name.
_ON_REQUEST = ("swap", "zram-packages", "zram", "clock", "sshd")
_SWAP = 2 << 30


def check(node: Node, board: Board) -> None:
    """Raises UsageError for a board that farm cannot provision."""
    if not board.has_systemd:
        raise UsageError(
            f"{node.name}: systemd does not run there, and farm knows no other way to start an engine with the board",
            fix="install an engine there by hand, and name its `socket:`",
        )


def needs_programs(choice: Choice, wishes: Wishes) -> bool:
    """Whether BuildKit's own programs have to be at hand for these steps."""
    return choice.engine == "buildkitd" and (not wishes.only or "buildkit" in wishes.only)


def steps(
    node: Node,
    board: Board,
    choice: Choice,
    wishes: Wishes,
    *,
    certificates: Mapping[str, str],
    programs: Sequence[Upload],
) -> tuple[Step, ...]:
    """What makes the board a node with this engine; with `wishes.only` those of these names alone.

    Raises UsageError for a name that no step of this node has.
    """
    environment = proxy_env.environment(node.proxy)
    found = [
        memory.memory_cgroup(board),
        *_engine(node, board, choice, certificates, programs),
        memory.swap(wishes.swap or _SWAP),
        *memory.zram(environment),
        clock.clock(environment),
        sshd.sshd(),
    ]
    if not wishes.only:
        wanted = {"swap"} if wishes.swap else set()
        if wishes.zram:
            wanted |= {"zram-packages", "zram"}
        return tuple(step for step in found if step.name not in _ON_REQUEST or step.name in wanted)
    return _named(node.name, found, wishes.only)


def _engine(
    node: Node, board: Board, choice: Choice, certificates: Mapping[str, str], programs: Sequence[Upload]
) -> tuple[Step, ...]:
    if choice.engine == "buildkitd":
        return buildkitd.steps(node, board, certificates, programs, rootless=choice.rootless)
    if choice.engine == "container" and board.has_podman and not board.docker:
        return podman.steps(node, board, certificates)
    return docker.steps(node, board, certificates, image_store=choice.engine == "docker")


def _named(node: str, found: Sequence[Step], names: Collection[str]) -> tuple[Step, ...]:
    known = [step.name for step in found]
    for name in sorted(names):
        if name not in known:
            raise UsageError(f"{node}: there is no step {name!r} for it", fix=f"there are: {', '.join(known)}")
    return tuple(step for step in found if step.name in names)
