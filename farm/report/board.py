"""The state of a run as rows, one for each platform of each target: what a live view shows. Knows no terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from farm.platforms import Platform
from farm.report.events import (
    AttemptFailed,
    BuildFailed,
    BuildFinished,
    BuildStarted,
    Duplicated,
    EnginePrepared,
    Event,
    LogLine,
    NodeDrained,
    NodeProbed,
    OfTarget,
    Planned,
    PowerUsed,
    Reused,
    StageFinished,
    StageStarted,
    StepFinished,
    StepStarted,
    Stolen,
    TargetEnded,
    Warned,
)

State = Literal["waiting", "building", "retrying", "built", "failed"]
_OfABuild = (
    BuildStarted
    | Stolen
    | Duplicated
    | StepStarted
    | StepFinished
    | LogLine
    | AttemptFailed
    | BuildFinished
    | BuildFailed
)
# Before these the platforms' own rows say more.
_LAST_STAGES = ("join", "verify", "tag", "collect")
_UNDER_WAY = ("building", "retrying")


@dataclass(slots=True, kw_only=True)
class Row:
    """One platform's line. `started` and `ended` are the caller's clock in seconds.

    `double` is a second node that builds the same, and the first to end wins; its steps are not followed.
    """

    target: str
    platform: Platform
    node: str
    double: str | None = None
    state: State = "waiting"
    step: str = ""
    output: str = ""
    cached: int = 0
    total: int = 0
    tries: int = 0
    started: float | None = None
    ended: float | None = None

    def elapsed(self, now: float) -> float | None:
        """Seconds since the platform's first try began, frozen when it has ended."""
        if self.started is None:
            return None
        return (self.ended if self.ended is not None else now) - self.started

    def follow(self, event: _OfABuild, now: float) -> None:
        """Take in an event of this platform."""
        if isinstance(event, BuildFinished):
            self._follow(event, now)
        elif self.ended is not None:
            # A double that has lost may have something to say until it is gone.
            return
        elif event.node == self.double:
            # Its steps would take turns with the straggler's in one line.
            self.double = None if isinstance(event, BuildFailed) else self.double
        elif isinstance(event, Duplicated):
            self.double = event.node
        else:
            self._follow(event, now)

    def _follow(self, event: _OfABuild, now: float) -> None:
        match event:
            case BuildStarted(node=node, attempt=attempt):
                self._begin(node, attempt, now)
            case Stolen(node=node):
                self.node = node
            case StepStarted(step=step):
                self.step, self.output = step, ""
            case StepFinished(cached=cached, total=total):
                self.cached, self.total = cached, total
            case LogLine(text=text):
                self.output = text
            case AttemptFailed(kind=kind, reason=reason, next=next_):
                self.state, self.step, self.output = "retrying", f"{kind}: {reason}; {next_}", ""
            case BuildFinished(node=node, cached=cached, total=total):
                self.node, self.double, self.state, self.step, self.output = node, None, "built", "", ""
                self.cached, self.total, self.ended = cached, total, now
            case BuildFailed(reason=reason):
                self.fail(reason, now)

    def _begin(self, node: str, attempt: int, now: float) -> None:
        self.node, self.tries, self.state, self.step, self.output = node, attempt, "building", "", ""
        self.cached = self.total = 0
        self.started = now if self.started is None else self.started

    def fail(self, reason: str, now: float) -> None:
        """Nothing more comes for this platform, which is not there."""
        self.double, self.state, self.step, self.output, self.ended = None, "failed", reason, "", now


class Board:
    """Rows in the order of the plan, the stage that runs now, and warnings in the order they came.

    `stages` says what is done to targets whose platforms are built, `ended` of which are through whether they are good.
    """

    def __init__(self) -> None:
        self.rows: dict[tuple[str, Platform], Row] = {}
        self.stage = "starting"
        self.stages: dict[str, str] = {}
        self.ended: dict[str, bool] = {}
        self.warnings: list[str] = []
        self._probed: list[str] = []

    def feed(self, event: Event, now: float) -> None:
        """Take in one event that happened at `now`."""
        if isinstance(event, OfTarget):
            self._feed_target(event.target, event.event, now)
        else:
            self._feed_run(event, now)

    def tally(self) -> Counter[State]:
        """How many rows are in each state."""
        return Counter(row.state for row in self.rows.values())

    def progress(self) -> dict[str, tuple[int, int]]:
        """Of each target that has begun and is not through: how many of its platforms are built, and of how many."""
        found: dict[str, list[Row]] = {}
        for row in self.rows.values():
            if row.target not in self.ended:
                found.setdefault(row.target, []).append(row)
        return {
            target: (sum(row.state == "built" for row in rows), len(rows))
            for target, rows in found.items()
            if any(row.state != "waiting" for row in rows)
        }

    def shown(self, room: int) -> Sequence[Row]:
        """All rows where they fit into `room` lines; else those under way, and then those that failed last."""
        rows = list(self.rows.values())
        if len(rows) <= room:
            return rows
        under_way = [row for row in rows if row.state in _UNDER_WAY]
        failed = sorted((row for row in rows if row.state == "failed"), key=lambda row: -(row.ended or 0))
        return [*under_way, *failed][: max(room, 0)]

    def _feed_run(self, event: Event, now: float) -> None:
        match event:
            case StageStarted(stage=stage, detail=detail):
                self.stage = f"{stage} {detail}".strip()
            case StageFinished(stage="tag"):
                self.stage = "tagged"
            case NodeProbed(node=node, error=None):
                self._probed.append(node)
                self.stage = f"probe: {', '.join(self._probed)}"
            case NodeProbed(node=node, error=error):
                self.warnings.append(f"{node}: {error}")
            case NodeDrained(node=node, reason=str(reason)):
                self.warnings.append(f"{node} is drained: {reason}")
            case PowerUsed() | EnginePrepared():
                self.stage = _readying(event)
            case Warned(message=message):
                self.warnings.append(message)
            case _:
                self._feed_row("", event, now)

    def _feed_target(self, target: str, event: Event, now: float) -> None:
        match event:
            case StageStarted(stage=stage) if stage in _LAST_STAGES:
                self.stages[target] = stage
            case StageFinished():
                self.stages.pop(target, None)
            case Warned(message=message):
                self.warnings.append(f"{target}: {message}")
            case TargetEnded(error=error):
                self.ended[target] = error is None
                self.stages.pop(target, None)
                for row in self.rows.values():
                    if row.target == target and row.state not in ("built", "failed"):
                        row.fail(error or "", now)
            case _:
                self._feed_row(target, event, now)

    def _feed_row(self, target: str, event: Event, now: float) -> None:
        if isinstance(event, Planned):
            self.rows[target, event.platform] = Row(target=target, platform=event.platform, node=event.node)
        elif isinstance(event, Reused):
            self.rows[target, event.platform] = Row(
                target=target, platform=event.platform, node=event.node, state="built", step="taken from an earlier run"
            )
        elif isinstance(event, _OfABuild):
            new = Row(target=target, platform=event.platform, node=event.node or "-")
            self.rows.setdefault((target, event.platform), new).follow(event, now)
            if isinstance(event, BuildStarted):
                self.stage = "building"


def _readying(event: PowerUsed | EnginePrepared) -> str:
    """What is done to a node before it can build."""
    if isinstance(event, PowerUsed):
        return f"power: {event.action} {event.node}"
    return f"{event.node}: {event.what}"
