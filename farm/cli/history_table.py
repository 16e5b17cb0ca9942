"""Earlier runs as tables and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from farm.cli.history_groups import Whole, run_of, target_of
from farm.errors import Exit
from farm.history.records import PlatformRecord, RunRecord
from farm.report import terminal, words
from farm.report.comparison import Comparison
from farm.report.comparison import lines as compared
from farm.report.outcome import Built
from farm.report.plain import clean
from farm.report.report import outcome_document

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_RESULTS = {
    Exit.DONE: "done",
    Exit.USAGE: "bad usage",
    Exit.PARTIAL: "published in part",
    Exit.JOIN_FAILED: "join or push failed",
    Exit.NO_NATIVE_NODE: "no native node",
}
# A narrower terminal has no room for the start (the run's name tells it, in UTC) and the images' registries.
_WIDE = 110


def show_all(runs: Sequence[Whole], stream: TextIO) -> None:
    """Print a line for each run; of one with several images the whole, then each that is not there."""
    from rich.text import Text

    console = terminal.console(stream)
    is_wide = console.width >= _WIDE
    table = _table("RUN", *(["STARTED"] if is_wide else []), "IMAGE", "BUILT", "RESULT", "TOOK")
    for run in runs:
        started = [_when(run)] if is_wide else []
        platforms = [platform for target in run.targets for platform in target.platforms]
        table.add_row(
            Text(run.run, "bold"),
            *started,
            _image(run.targets[0], is_wide=is_wide) if len(run.targets) == 1 else _images(run),
            _built(platforms),
            Text(result(run.exit_code), _style(run.exit_code == 0)),
            _took(run.seconds),
        )
        if len(run.targets) == 1:
            continue
        for target in run.targets:
            if target.exit_code != 0:
                name = f"  {clean(target_of(target.run))}"
                what, took = Text(result(target.exit_code), _style(is_good=False)), _took(target.seconds)
                table.add_row("", *([""] if is_wide else []), name, _built(target.platforms), what, took)
    console.print(table)


def show_many(run: Whole, comparison: Comparison | None, logs: str | None, stream: TextIO) -> None:
    """Print a run of several images: a line for each, the tries that failed, plan against fact, where the logs are."""
    from rich.text import Text

    console = terminal.console(stream)
    table = _table("IMAGE", "BUILT", "RESULT", "TOOK", "DIGEST", "PUSHED")
    for target in run.targets:
        table.add_row(
            clean(target_of(target.run)),
            _built(target.platforms),
            Text(result(target.exit_code), _style(target.exit_code == 0)),
            _took(target.seconds),
            words.short(target.index) if stream.isatty() else target.index or "-",
            _image(target, is_wide=console.width >= _WIDE) if target.index else "-",
        )
    console.print(table)
    for target in run.targets:
        _show_tries(target, console)
    _show_result(run, console)
    if comparison:
        whole, *jobs = compared(comparison)
        console.print(f"plan     {whole}", soft_wrap=True)
        for job in jobs:
            console.print(f"         {clean(job)}", style="dim", soft_wrap=True)
    _show_values(console, started=_when(run), logs=logs or "deleted")
    example = next((target for target in run.targets if target.exit_code != 0), run.targets[0])
    console.print(f"more: farm history {clean(example.run)}", style="dim", soft_wrap=True)


def show(run: RunRecord, logs: str | None, stream: TextIO) -> None:
    """Print one target of a run, or its only one: its platforms, the tries that failed, and where to look further."""
    from rich.text import Text

    console = terminal.console(stream)
    table = _table("PLATFORM", "STATE", "NODE", "TIME", "CACHED", "TRIES", "DIGEST")
    for platform in run.platforms:
        outcome = platform.outcome
        built = outcome if isinstance(outcome, Built) else None
        nodes = dict.fromkeys(attempt.node for attempt in outcome.attempts)
        digest = built.digest if built else None
        table.add_row(
            str(outcome.platform),
            Text(platform.state, _style(built is not None)),
            clean(built.node if built else ", ".join(nodes)),
            words.seconds(outcome.seconds),
            f"{built.cached}/{built.total}" if built else "-",
            str(len(outcome.attempts)),
            words.short(digest) if stream.isatty() else digest or "-",
        )
    if run.platforms:
        console.print(table)
    _show_tries(run, console)
    whole = Whole(run=run.run, targets=(run,))
    _show_result(whole, console)
    image = ", ".join(run.references) or run.target
    _show_values(console, started=_when(whole), image=image, index=run.index, logs=logs or "deleted")


def result(exit_code: int | None) -> str:
    """How a run ended, in words."""
    if exit_code is None:
        return "unfinished"
    if exit_code not in set(Exit):
        return f"exit code {exit_code}"
    code = Exit(exit_code)
    return _RESULTS.get(code, code.name.lower().replace("_", " "))


def document(run: RunRecord, logs: str | None) -> dict[str, Any]:
    """A target of a run, or its only one, under the keys of `farm build --json`; what is not known is null."""
    return {
        "run": run_of(run.run),
        "name": target_of(run.run),
        "started": run.started.isoformat(),
        "exit_code": run.exit_code,
        "target": run.target,
        "references": list(run.references),
        "index_digest": run.index,
        "seconds": run.seconds,
        "platforms": [
            outcome_document(platform.outcome) | {"state": platform.state, "reused_from": platform.reused_from}
            for platform in run.platforms
        ],
        "logs": logs,
    }


def document_of_many(run: Whole, comparison: Comparison | None, logs: str | None) -> dict[str, Any]:
    """A run of several targets, for scripts."""
    return {
        "run": run.run,
        "started": run.started.isoformat(),
        "exit_code": run.exit_code,
        "seconds": run.seconds,
        "targets": [document(target, logs) for target in run.targets],
        "plan": comparison.document() if comparison else None,
        "logs": logs,
    }


def _table(*headings: str) -> Table:
    """A table whose words stay whole on a narrow terminal: what names an image gives way, and a digest."""
    table = terminal.table(*headings)
    for column in table.columns:
        gives_way = column.header in ("IMAGE", "PUSHED", "DIGEST", "NODE")
        column.no_wrap = not gives_way
    return table


def _image(run: RunRecord, *, is_wide: bool) -> str:
    names = run.references if is_wide else [reference.rpartition("/")[2] for reference in run.references]
    return clean(", ".join(names) or run.target)


def _images(run: Whole) -> str:
    done = sum(target.exit_code == 0 for target in run.targets)
    return f"{done} of {len(run.targets)} images"


def _built(platforms: Sequence[PlatformRecord]) -> str:
    done = sum(isinstance(platform.outcome, Built) for platform in platforms)
    return f"{done}/{len(platforms)}" if platforms else "-"


def _show_tries(run: RunRecord, console: Console) -> None:
    for platform in run.platforms:
        for line in _tries(platform, clean(target_of(run.run))):
            console.print(line, style="yellow", soft_wrap=True)


def _tries(platform: PlatformRecord, target: str) -> Iterator[str]:
    outcome = platform.outcome
    what = f"{target} {outcome.platform}".strip()
    if platform.reused_from:
        yield f"  {what} was built by run {platform.reused_from}"
        return
    for number, attempt in enumerate(outcome.attempts, start=1):
        if attempt.kind is not None:
            yield (
                f"  {what} try {number} on {clean(attempt.node)}: {attempt.kind} after "
                f"{words.seconds(attempt.seconds)}: {clean(attempt.reason)}"
            )


def _show_result(run: Whole, console: Console) -> None:
    took = f", took {words.seconds(run.seconds)}" if run.seconds is not None else ""
    console.print(f"result   {result(run.exit_code)}{took}")


def _show_values(console: Console, **values: str | None) -> None:
    for name, value in values.items():
        if value:
            console.print(f"{name:<8} {clean(value)}", soft_wrap=True)


def _took(seconds: float | None) -> str:
    return "-" if seconds is None else words.seconds(seconds)


def _when(run: Whole) -> str:
    return f"{run.started.astimezone():%Y-%m-%d %H:%M}"


def _style(is_good: bool) -> str:
    return "green" if is_good else "red"
