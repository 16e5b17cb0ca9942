"""What is to be scheduled, and what a schedule is, as values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from farm.platforms import Platform

Basis = Literal["measured", "speed", "guess"]
"""What an expected time stands on: this very pair's history, other nodes' history times a speed factor, or nothing."""


class Key(NamedTuple):
    """Names a job: a target and one of its platforms."""

    target: str
    platform: Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """How long a job takes on a node, in seconds; `is_warm` says that the node's cache is counted upon."""

    seconds: float
    is_warm: bool = False
    basis: Basis = "guess"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One platform of one target.

    `nodes` may build it, in no order; `needs` are built before. `memory` is what it takes at most, in bytes: None where
    that is neither learned nor said.
    """

    key: Key
    nodes: tuple[str, ...]
    needs: tuple[Key, ...] = ()
    priority: int = 0
    memory: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A node as the schedule sees it.

    `memory` is what builds may use there, in bytes, None for no bound. `drained` says why nothing new starts
    there, None for a node that may be used; `handicap` are seconds by which it is put behind its equals (its load,
    its losses).
    """

    name: str
    slots: int = 1
    memory: int | None = None
    drained: str | None = None
    handicap: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerUp:
    """A node that was not chosen: when the job would have ended there, in seconds from the start, and why not."""

    node: str
    end: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where and when a job is expected to run, in seconds from the start, and why there, in words."""

    key: Key
    node: str
    start: float
    end: float
    reason: str
    expected: Expected
    runners_up: tuple[RunnerUp, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """A job that is not built, and why, in words."""

    key: Key
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Every placement in order of its start, then of its node. `bound` is what no schedule could beat, in seconds."""

    placements: tuple[Placement, ...]
    skipped: tuple[Skip, ...] = ()
    bound: float = 0.0
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def makespan(self) -> float:
        """Seconds until the last job ends."""
        return max((placement.end for placement in self.placements), default=0.0)


Expect = Callable[[Job, str], Expected]
"""How long a job is expected to take on a node."""
