"""What is to be scheduled, and what a schedule is, as values."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
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

    `nodes` may build it, in no order; `needs` are built before, but for those that are there already. `memory` is what
    it takes at most, in bytes: None where that is neither learned nor said.
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
    there, None for a node that may be used; `handicap` are seconds by which it is put behind its equals, and `because`
    says why (its load, its losses).
    """

    name: str
    slots: int = 1
    memory: int | None = None
    drained: str | None = None
    handicap: float = 0.0
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A job that a node works on since `started`, in seconds from the run's start."""

    job: Job
    node: str
    started: float
    expected: Expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A job to start now on `node`, and why there, in words. `planned` is where the plan had it, if it is elsewhere."""

    key: Key
    node: str
    reason: str
    expected: Expected
    planned: str | None = None


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
    """Every placement in order of its start, then of its node.

    `bound` is what no schedule of these jobs could beat, in seconds from the moment at which they are planned, whatever
    runs already then.
    """

    placements: tuple[Placement, ...]
    skipped: tuple[Skip, ...] = ()
    bound: float = 0.0

    @property
    def makespan(self) -> float:
        """Seconds until the last job ends."""
        return max((placement.end for placement in self.placements), default=0.0)


Expect = Callable[[Job, str], Expected]
"""How long a job is expected to take on a node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """Which nodes need not be asked about one by one, so that a thousand nodes are planned as fast as ten.

    Nodes of one of the `kinds` take equally long for a job, but for the nodes that stand `apart` for it: those that
    have built it themselves. A node without a kind is like no other.
    """

    kinds: Mapping[str, Hashable] = field(default_factory=dict)
    apart: Mapping[Key, Collection[str]] = field(default_factory=dict)


NOBODY_ALIKE = Alike()
