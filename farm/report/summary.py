"""The end of a run for a person: what is there now, or what went wrong and how to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, TextIO

from farm.errors import FarmError
from farm.report import terminal, words
from farm.report.outcome import Built, Outcome
from farm.report.plain import clean
from farm.report.power import PowerUse
from farm.report.report import Report

if TYPE_CHECKING:
    from rich.console import Console


def show(report: Report, stream: TextIO) -> None:
    """Print the summary: a table of platforms, then the reference and its digest, or the error."""
    from rich.text import Text

    console = terminal.console(stream)
    if report.outcomes:
        table = terminal.table("", "PLATFORM", "NODE", "TIME", "CACHED", "TRIES", "DIGEST")
        for column in table.columns:
            column.no_wrap = True
        for outcome in report.outcomes:
            if isinstance(outcome, Built):
                node = f"{outcome.node} (emulated)" if outcome.emulated else outcome.node
                mark, cached, digest = (
                    Text(terminal.writable("✔", "+", stream), "green"),
                    f"{outcome.cached}/{outcome.total}",
                    outcome.digest or "-",
                )
            else:
                node = ", ".join(dict.fromkeys(attempt.node for attempt in outcome.attempts)) or "-"
                mark, cached, digest = Text(terminal.writable("✘", "!", stream), "red"), "-", "-"
            table.add_row(
                mark,
                str(outcome.platform),
                node,
                words.seconds(outcome.seconds),
                cached,
                str(len(outcome.attempts)),
                digest if not stream.isatty() else words.short(digest) if digest != "-" else "-",
            )
        console.print(table)
    for outcome in report.outcomes:
        show_tries(outcome, console)
    show_power(report.power, console)
    if report.error is None:
        _result(report, console)


def _result(report: Report, console: Console) -> None:
    from rich.text import Text

    for reference in report.references:
        pushed = Text.assemble(("pushed", "green"), " ", (reference, "bold"))
        console.print(pushed if report.index else f"built {reference}", soft_wrap=True)
    if report.absent:
        absent = ", ".join(str(platform) for platform in report.absent)
        console.print(f"without {absent}, as was allowed", style="yellow")
    if report.index:
        console.print(f"index  {report.index}", soft_wrap=True)
    if report.output:
        console.print(f"wrote  {clean(report.output)}", soft_wrap=True)
    console.print(f"took   {words.seconds(report.seconds)}")


def show_tries(outcome: Outcome, console: Console, *, target: str = "") -> None:
    """Print a line for each try that failed; those that failed alike, one after the other, share one."""
    number = 1
    for (node, kind, reason), alike in groupby(outcome.attempts, lambda a: (a.node, a.kind, a.reason)):
        last = number + len(list(alike)) - 1
        if kind is not None:
            which = f"try {number}" if number == last else f"tries {number} to {last}"
            what = f"{clean(target)} {outcome.platform}".strip()
            # The terminal breaks what is too long by itself; a line that was cut in two cannot be searched for.
            console.print(f"  {what} {which} on {node}: {kind}: {clean(reason)}", style="yellow", soft_wrap=True)
        number = last + 1


def show_power(power: Sequence[PowerUse], console: Console) -> None:
    """Print which nodes were woken, cycled or put to sleep."""
    for use in power:
        how = "" if use.error else f" ({words.seconds(use.seconds)})"
        console.print(f"power  {clean(str(use))}{how}", style="yellow" if use.error else "dim", soft_wrap=True)


def error_lines(error: FarmError, logs: str | None = None, *, targets: Sequence[str] = ()) -> tuple[str, ...]:
    """The lines that tell an error: what (and of which targets), the details, how to mend it, and where the log is."""
    whose = f"{clean(', '.join(targets))}: " if targets else ""
    lines = [f"error: {whose}{clean(error.what)}", *(f"  {clean(detail)}" for detail in error.details)]
    if error.fix:
        lines.append(f"fix: {clean(error.fix)}")
    if logs:
        lines.append(f"log: {logs}")
    return tuple(lines)
