"""What the log of a try says: the steps and all that they printed, for people. Pure."""

from __future__ import annotations

from farm.build.steps import Began, Change, Ended, Printed


def line(change: Change) -> str:
    """The line of the log that tells of the change."""
    step = change.step
    match change:
        case Began():
            return f"> {step.name}"
        case Printed(text=text):
            # Steps run side by side, so each line says whose it is.
            return f"{step.mark or step.name} {text}"
        case Ended():
            return f"< {step.name}: {_result(change)}"


def _result(ended: Ended) -> str:
    if ended.step.error:
        return f"failed: {ended.step.error}"
    return "cached" if ended.step.was_cached else f"{ended.step.seconds:.1f} s"
