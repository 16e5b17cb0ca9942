"""The live view on a terminal: a line for each platform and its node, redrawn in place."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TextIO

from farm.report import plain, terminal, words
from farm.report.board import Board, Row
from farm.report.events import AttemptFailed, Event, RunStarted

if TYPE_CHECKING:
    from rich.console import RenderableType

_ROOM_FOR_CTRL_C = 3
_MARKS = {
    "waiting": ("·", "dim"),
    "building": ("●", "cyan"),
    "retrying": ("↻", "yellow"),
    "built": ("✔", "green"),
    "failed": ("✘", "red"),
}


class LiveView:
    """Feed it events between `start` and `stop`; warnings and failed tries stay on the screen above the live lines."""

    def __init__(self, stream: TextIO) -> None:
        from rich.live import Live

        self._board = Board()
        self._console = terminal.console(stream)
        self._live = Live(get_renderable=self._render, console=self._console, refresh_per_second=8, transient=True)
        self._shown = 0

    def start(self) -> None:
        """Begin to draw."""
        self._live.start()

    def stop(self) -> None:
        """Take the live lines away: the summary says the same and more."""
        self._live.stop()

    def __call__(self, event: Event) -> None:
        """Take in an event; the next redraw shows it."""
        self._board.feed(event, time.monotonic())
        if isinstance(event, (RunStarted, AttemptFailed)) and (text := plain.line(event)):
            style = "yellow" if isinstance(event, AttemptFailed) else "dim"
            self._console.print(text, style=style, soft_wrap=True)
        for warning in self._board.warnings[self._shown :]:
            self._console.print(f"warning: {plain.clean(warning)}", style="yellow", soft_wrap=True)
        self._shown = len(self._board.warnings)

    def _render(self) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        now = time.monotonic()
        # The terminal writes ^C behind the last line. If that did not fit there, it would push all lines up by one, and
        # the topmost would stay on the screen for good.
        table = Table.grid(padding=(0, 2))
        table.width = max(self._console.width - _ROOM_FOR_CTRL_C, 1)
        for _ in range(3):
            table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, justify="right")
        table.add_column(no_wrap=True, justify="right")
        table.add_column(no_wrap=True, ratio=1, overflow="ellipsis")
        for row in self._board.rows.values():
            mark, style = _MARKS[row.state]
            elapsed = row.elapsed(now)
            table.add_row(
                Text(mark, style=style),
                Text(row.node, style="bold"),
                Text(str(row.platform)),
                Text("" if elapsed is None else words.seconds(elapsed), style=style),
                Text(f"{row.cached} cached" if row.cached else "", style="dim"),
                Text(_doing(row), style="" if row.state == "building" else style),
            )
        table.add_row("", Text("farm", style="bold"), Text(plain.clean(self._board.stage), style="dim"), "", "", "")
        return table


def _doing(row: Row) -> str:
    if row.state == "built":
        return row.step or f"built, {row.cached} of {row.total} steps cached"
    if row.state == "waiting":
        return "waits for a slot"
    step, output = plain.clean(row.step), plain.clean(row.output)
    return f"{step}  {output}" if output else step
