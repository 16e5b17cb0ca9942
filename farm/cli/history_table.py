"""Earlier runs as tables and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TextIO

from farm.errors import Exit
from farm.history.records import PlatformRecord, RunRecord
from farm.report import terminal, words
from farm.report.outcome import Built
from farm.report.plain import clean
from farm.report.report import outcome_document

_RESULTS = {
    Exit.DONE: "done",
    Exit.USAGE: "bad usage",
    Exit.PARTIAL: "published in part",
    Exit.JOIN_FAILED: "join or push failed",
    Exit.NO_NATIVE_NODE: "no native node",
}


def show_all(runs: Sequence[RunRecord], stream: TextIO) -> None:
    """Print a line for each run."""
    from rich.text import Text

    console, table = terminal.console(stream), terminal.table("RUN", "STARTED", "IMAGE", "PLATFORMS", "RESULT", "TOOK")
    # On a narrow terminal the name of the run stays whole: it is what one copies.
    for column in (0, 3, 5):
        table.columns[column].no_wrap = True
    for run in runs:
        done = sum(isinstance(platform.outcome, Built) for platform in run.platforms)
        table.add_row(
            Text(run.run, "bold"),
            _when(run),
            clean(", ".join(run.references) or run.target),
            f"{done}/{len(run.platforms)}" if run.platforms else "-",
            Text(result(run.exit_code), _style(run.exit_code == 0)),
            "-" if run.seconds is None else words.seconds(run.seconds),
        )
    console.print(table)


def show(run: RunRecord, logs: str | None, stream: TextIO) -> None:
    """Print one run: its platforms, the tries that failed, and where to look further."""
    from rich.text import Text

    console, table = (
        terminal.console(stream),
        terminal.table("PLATFORM", "STATE", "NODE", "TIME", "CACHED", "TRIES", "DIGEST"),
    )
    for platform in run.platforms:
        outcome = platform.outcome
        built = outcome if isinstance(outcome, Built) else None
        nodes = dict.fromkeys(attempt.node for attempt in outcome.attempts)
        table.add_row(
            str(outcome.platform),
            Text(platform.state, _style(built is not None)),
            clean(built.node if built else ", ".join(nodes)),
            words.seconds(outcome.seconds),
            f"{built.cached}/{built.total}" if built else "-",
            str(len(outcome.attempts)),
            _digest(built, is_short=stream.isatty()),
        )
    if run.platforms:
        console.print(table)
    for platform in run.platforms:
        for line in _tries(platform):
            console.print(line, style="yellow", soft_wrap=True)
    took = f", took {words.seconds(run.seconds)}" if run.seconds is not None else ""
    console.print(f"result   {result(run.exit_code)}{took}")
    for name, value in (
        ("started", _when(run)),
        ("image", ", ".join(run.references) or run.target),
        ("index", run.index),
        ("logs", logs or "deleted"),
    ):
        if value:
            console.print(f"{name:<8} {clean(value)}", soft_wrap=True)


def result(exit_code: int | None) -> str:
    """How a run ended, in words."""
    if exit_code is None:
        return "unfinished"
    if exit_code not in set(Exit):
        return f"exit code {exit_code}"
    code = Exit(exit_code)
    return _RESULTS.get(code, code.name.lower().replace("_", " "))


def document(run: RunRecord, logs: str | None) -> dict[str, Any]:
    """A run for scripts, under the keys of `farm build --json`; what is not known is null."""
    return {
        "run": run.run,
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


def _tries(platform: PlatformRecord) -> list[str]:
    outcome = platform.outcome
    if platform.reused_from:
        return [f"  {outcome.platform} was built by run {platform.reused_from}"]
    return [
        f"  {outcome.platform} try {number} on {clean(attempt.node)}: {attempt.kind} after "
        f"{words.seconds(attempt.seconds)}: {clean(attempt.reason)}"
        for number, attempt in enumerate(outcome.attempts, start=1)
        if attempt.kind is not None
    ]


def _digest(built: Built | None, *, is_short: bool) -> str:
    digest = built.digest if built else None
    return words.short(digest) if is_short else digest or "-"


def _when(run: RunRecord) -> str:
    return f"{run.started.astimezone():%Y-%m-%d %H:%M}"


def _style(is_good: bool) -> str:
    return "green" if is_good else "red"
