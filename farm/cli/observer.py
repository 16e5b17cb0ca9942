"""Who watches a run: the live view of a terminal, plain lines, JSON lines, or nobody."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from farm.report import plain
from farm.report.events import Emit, Event

_SHOW_CURSOR = "\x1b[?25h"


def progress(wanted: str) -> str:
    """How progress is shown; auto is rich on a terminal, else plain."""
    if wanted != "auto":
        return wanted
    return "rich" if sys.stderr.isatty() else "plain"


@contextlib.contextmanager
def watching(progress: str) -> Iterator[Emit]:
    """Who watches the run: the live view, plain lines, JSON lines, or nobody."""
    if progress == "rich":
        from farm.report.console import LiveView

        view = LiveView(sys.stderr)
        view.start()
        try:
            yield view
        finally:
            view.stop()
    elif progress == "json":
        from farm.report.jsonl import JsonLines

        yield JsonLines(sys.stderr)
    elif progress == "plain":
        yield plain.Plain(sys.stderr)
    else:
        yield _ignore


def _ignore(_event: Event) -> None:
    """Quiet: the exit code and the result say all."""


def give_up(progress: str) -> None:
    """Leave a usable terminal behind where the program ends at once."""
    if progress == "rich":
        print(_SHOW_CURSOR, end="", file=sys.stderr, flush=True)  # noqa: T201 - the live view cannot any more
