"""The end of a run for a person: of several images a line each, what went wrong, and plan against fact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, TextIO

from farm.errors import FarmError
from farm.platforms import Platform
from farm.report import comparison, summary, terminal, words
from farm.report.outcome import Built
from farm.report.plain import clean
from farm.report.report import Report
from farm.report.run_report import RunReport

if TYPE_CHECKING:
    from rich.table import Table

# Of a narrower terminal a reference with its registry would take more than is left.
_WIDE = 120


def show(run: RunReport, stream: TextIO) -> None:
    """Print the run: its only target as ever; else a line for each, and how the plan compares with what came of it."""
    if len(run.reports) == 1:
        summary.show(run.reports[0], stream)
        return
    console = terminal.console(stream)
    console.print(_table(run.reports, stream, is_narrow=stream.isatty() and console.width < _WIDE))
    for report in run.reports:
        for outcome in report.outcomes:
            summary.show_tries(outcome, console, target=report.name)
    summary.show_power(run.power, console)
    if compared := comparison.compare(run.courses, failed=_failed(run)):
        whole, *jobs = comparison.lines(compared)
        console.print(f"plan   {whole}", soft_wrap=True)
        for job in jobs:
            console.print(f"       {clean(job)}", style="dim", soft_wrap=True)
    done = sum(report.error is None for report in run.reports)
    console.print(f"took   {words.seconds(run.seconds)}; {done} of {len(run.reports)} images done")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """An error of a run, the names of the targets that it ended (none where it ended all), and where the logs are."""

    error: FarmError
    targets: tuple[str, ...]
    logs: str


def troubles(run: RunReport) -> Iterator[Trouble]:
    """Every error of the run once, in the order of the targets."""
    whose: dict[int, list[Report]] = {}
    for report in run.reports:
        if report.error:
            whose.setdefault(id(report.error), []).append(report)
    for reports in whose.values():
        error, is_alone = reports[0].error, len(reports) == 1
        assert error is not None
        yield Trouble(
            error=error,
            targets=() if len(reports) == len(run.reports) else tuple(report.name for report in reports),
            logs=reports[0].logs if is_alone else run.logs,
        )


def _table(reports: Sequence[Report], stream: TextIO, *, is_narrow: bool) -> Table:
    from rich.text import Text

    good = Text(terminal.writable("✔", "+", stream), "green")
    bad = Text(terminal.writable("✘", "!", stream), "red")
    table = terminal.table("", "IMAGE", "BUILT", "TIME", "TRIES", "DIGEST", "PUSHED")
    for column in table.columns:
        column.no_wrap = column.header not in ("IMAGE", "PUSHED")
    for report in reports:
        built = sum(isinstance(outcome, Built) for outcome in report.outcomes)
        digest = words.short(report.index) if stream.isatty() else report.index or "-"
        table.add_row(
            good if report.error is None else bad,
            clean(report.name),
            f"{built}/{len(report.outcomes)}" if report.outcomes else "-",
            words.seconds(report.seconds),
            str(sum(len(outcome.attempts) for outcome in report.outcomes)),
            digest,
            _result(report, is_narrow=is_narrow),
        )
    return table


def _failed(run: RunReport) -> set[tuple[str, Platform]]:
    return {
        (report.name, outcome.platform)
        for report in run.reports
        for outcome in report.outcomes
        if not isinstance(outcome, Built)
    }


def _result(report: Report, *, is_narrow: bool) -> str:
    """What is there now: tags, a file, or nothing."""
    if report.error is not None:
        return "-"
    if report.unchanged:
        return "nothing new"
    names = [name.rpartition("/")[2] if is_narrow else name for name in report.references]
    told = ", ".join(_grouped(names)) if report.index else clean(report.output or "-")
    return f"{told} without {', '.join(map(str, report.absent))}" if report.absent else told


def _grouped(names: Sequence[str]) -> Iterator[str]:
    """References of one repository as one: `reg.lan/app:1.2,1,latest`."""
    for repository, alike in groupby(names, lambda name: name.rpartition(":")[0]):
        yield f"{repository}:{','.join(name.rpartition(':')[2] for name in alike)}"
