"""The state of a run as rows, one for each platform: what a live view shows. Fed by events, knows no terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from farm.platforms import Platform
from farm.report.events import (
    AttemptFailed,
    BuildFinished,
    BuildStarted,
    EnginePrepared,
    Event,
    LogLine,
    NodeProbed,
    Planned,
    PowerUsed,
    Reused,
    StageFinished,
    StageStarted,
    StepFinished,
    StepStarted,
    Warned,
)

State = Literal["waiting", "building", "retrying", "built", "failed"]


@dataclass(slots=True, kw_only=True)
class Row:
    """One platform's line. `started` and `ended` are the caller's clock in seconds."""

    platform: Platform
    node: str
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


class Board:
    """Rows in the order of the plan, the stage that runs now, and warnings in the order they came."""

    def __init__(self) -> None:
        self.rows: dict[Platform, Row] = {}
        self.stage = "starting"
        self.warnings: list[str] = []
        self._probed: list[str] = []

    def feed(self, event: Event, now: float) -> None:
        """Take in one event that happened at `now`."""
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
            case PowerUsed() | EnginePrepared():
                self.stage = _readying(event)
            case Warned(message=message):
                self.warnings.append(message)
            case Planned(platform=platform, node=node):
                self.rows[platform] = Row(platform=platform, node=node)
            case Reused(platform=platform, node=node):
                self.rows[platform] = Row(platform=platform, node=node, state="built", step="taken from an earlier run")
            case BuildStarted() | StepStarted() | StepFinished() | LogLine() | AttemptFailed() | BuildFinished():
                self._update(
                    self.rows.setdefault(event.platform, Row(platform=event.platform, node=event.node)), event, now
                )

    def _update(
        self,
        row: Row,
        event: BuildStarted | StepStarted | StepFinished | LogLine | AttemptFailed | BuildFinished,
        now: float,
    ) -> None:
        match event:
            case BuildStarted(node=node, attempt=attempt):
                row.node, row.tries, row.state, row.step, row.output = node, attempt, "building", "", ""
                row.cached = row.total = 0
                row.started = now if row.started is None else row.started
                self.stage = "building"
            case StepStarted(step=step):
                row.step, row.output = step, ""
            case StepFinished(cached=cached, total=total):
                row.cached, row.total = cached, total
            case LogLine(text=text):
                row.output = text
            case AttemptFailed(kind=kind, reason=reason, next=next_):
                row.state, row.step, row.output = "retrying", f"{kind}: {reason}; {next_}", ""
            case BuildFinished(node=node, cached=cached, total=total):
                row.node, row.state, row.step, row.output = node, "built", "", ""
                row.cached, row.total, row.ended = cached, total, now


def _readying(event: PowerUsed | EnginePrepared) -> str:
    """What is done to a node before it can build."""
    if isinstance(event, PowerUsed):
        return f"power: {event.action} {event.node}"
    return f"{event.node}: {event.what}"
