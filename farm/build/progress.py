"""What the steps of one try do, as events for whoever watches the run. Pure."""

from __future__ import annotations

from farm.build.steps import Began, Change, Ended, Printed, Steps
from farm.platforms import Platform
from farm.report.events import Event, LogLine, StepFinished, StepStarted


def event(change: Change, steps: Steps, *, node: str, platform: Platform) -> Event:
    """The event that one change of the steps stands for, on the node that builds the platform."""
    step = change.step
    match change:
        case Began():
            return StepStarted(node=node, platform=platform, step=step.name)
        case Printed(text=text):
            return LogLine(node=node, platform=platform, step=step.name, text=text)
        case Ended():
            return StepFinished(
                node=node,
                platform=platform,
                step=step.name,
                was_cached=step.was_cached,
                error=step.error or None,
                cached=steps.cached,
                total=steps.total,
                seconds=step.seconds,
            )
