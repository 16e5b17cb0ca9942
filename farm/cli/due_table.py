"""What is due, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TextIO

from farm.nightly.due import Decision
from farm.report import terminal
from farm.report.plain import clean
from farm.report.report import error_document

_STYLES = {"due": "yellow", "not due": "green", "unknown": "red"}


def show(decisions: Sequence[Decision], stream: TextIO) -> None:
    """Print one line for each target: whether it is due, which platforms would be built, and why."""
    from rich.text import Text

    console = terminal.console(stream)
    if not decisions:
        console.print("nothing to look at")
        return
    table = terminal.table("IMAGE", "DUE", "BUILDS", "WHY")
    for column in table.columns[:2]:
        column.no_wrap = True
    for decision in decisions:
        table.add_row(
            decision.target,
            Text({"due": "yes", "not due": "no", "unknown": "?"}[decision.verdict], _STYLES[decision.verdict]),
            _builds(decision),
            clean(decision.why),
        )
    console.print(table)
    for decision in decisions:
        if decision.error and decision.error.fix:
            console.print(f"{decision.target}: fix: {clean(decision.error.fix)}", style="yellow", soft_wrap=True)
    some = sum(decision.is_due for decision in decisions)
    console.print(f"{some} of {len(decisions)} due", style="dim")


def document(decisions: Sequence[Decision]) -> dict[str, Any]:
    """The decisions for scripts; keys are stable."""
    return {
        "targets": [
            {
                "target": decision.target,
                "due": None if decision.error else decision.is_due,
                "why": decision.why,
                "platforms": {
                    **{str(platform): list(reasons) for platform, reasons in decision.due.items()},
                    **{str(platform): [] for platform in decision.kept},
                },
                "reasons": list(decision.reasons),
                "notes": list(decision.notes),
                "error": error_document(decision.error),
            }
            for decision in decisions
        ]
    }


def _builds(decision: Decision) -> str:
    if decision.due:
        return ", ".join(str(platform) for platform in decision.due)
    if decision.is_due:
        return "nothing: joined and tagged anew" if decision.kept else "all"
    return "-"
