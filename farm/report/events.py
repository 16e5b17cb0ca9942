"""What happens during a run, as values. Whoever wants to know subscribes; nobody else is changed by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from farm.platforms import Platform
from farm.report.power import Power

Stage = Literal["probe", "sources", "build", "join", "verify", "tag", "collect"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A run has an identity and a folder for its logs."""

    run: str
    logs: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeProbed:
    """A node answered, or did not (`error` says why). `seconds` from the first packet to the last answer.

    `disk_free` are the free bytes where its engine keeps the cache, None where that is not known.
    """

    node: str
    seconds: float
    summary: str
    error: str | None = None
    disk_free: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerUsed:
    """A node is about to be woken, cycled, or put back to sleep (off); `reason` says in words why."""

    node: str
    action: Power
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginePrepared:
    """Something is about to be done to a node's engine so that it can build, which may take minutes; `what` says it."""

    node: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDrained:
    """Nothing new starts on a node for the time being, and why; where `reason` is None it may be used again."""

    node: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One platform has its node; `reason` says in words why that one."""

    platform: Platform
    node: str
    standbys: tuple[str, ...]
    reason: str
    emulated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reused:
    """A platform need not be built: an earlier run did it on `node`, and the registry still has it."""

    node: str
    platform: Platform
    run: str
    digest: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildStarted:
    """A try at one platform on one node; tries count from 1."""

    node: str
    platform: Platform
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stolen:
    """`node` is about to build a platform that was planned for another, and why."""

    node: str
    platform: Platform
    planned: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicated:
    """`node` builds a platform as well, which `straggler` still builds; the first to end wins."""

    node: str
    platform: Platform
    straggler: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted:
    """BuildKit began a step (a vertex); `step` is its name as BuildKit gives it."""

    node: str
    platform: Platform
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished:
    """BuildKit ended a step. `cached` and `total` count the steps of this try seen so far."""

    node: str
    platform: Platform
    step: str
    was_cached: bool
    error: str | None
    cached: int
    total: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line that a step printed."""

    node: str
    platform: Platform
    step: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed:
    """A try ended badly. `next` says what farm does now, in words."""

    node: str
    platform: Platform
    attempt: int
    kind: str
    reason: str
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildFinished:
    """A platform is there: its image manifest's digest (None without a push), and how it went."""

    node: str
    platform: Platform
    digest: str | None
    seconds: float
    cached: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildFailed:
    """A platform will not be there, and why: no further try makes sense, or what it is made from failed before.

    `node` is where it was tried last, None where it was not.
    """

    node: str | None
    platform: Platform
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStarted:
    """A stage of the run that is not tied to one platform."""

    stage: Stage
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFinished:
    """The same stage has ended after `seconds`."""

    stage: Stage
    seconds: float
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something the user should know that stops nothing."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetEnded:
    """One of a run's several targets is through: whole, or with what is wrong in words."""

    seconds: float
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A night knows what it does with one of its targets, and why."""

    verdict: Literal["due", "not due", "unknown"]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidied:
    """A night has cleaned something up, or tells why it has not."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfTarget:
    """Something that happens to one of a run's several targets."""

    target: str
    event: Event


Event = (
    RunStarted
    | OfTarget
    | NodeProbed
    | PowerUsed
    | EnginePrepared
    | NodeDrained
    | Planned
    | Reused
    | BuildStarted
    | Stolen
    | Duplicated
    | StepStarted
    | StepFinished
    | LogLine
    | AttemptFailed
    | BuildFinished
    | BuildFailed
    | StageStarted
    | StageFinished
    | Warned
    | TargetEnded
    | Decided
    | Tidied
)
Emit = Callable[[Event], None]
