"""The live view on a terminal: a line for each platform and its node, redrawn in place; of many only what goes on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TextIO

from farm.report import plain, terminal, words
from farm.report.board import Board, Row, State
from farm.report.events import AttemptFailed, Event, OfTarget, RunStarted, TargetEnded

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

_ROOM_FOR_CTRL_C = 3
# Below the rows: what farm does, how far the images are, and the cursor's own line.
_OTHER_LINES = 3
# A name of a node or a target takes at most so much of the width, where there are both.
_SHARE_OF_A_NAME = 6
_MARKS: dict[State, tuple[str, str]] = {
    "waiting": ("·", "dim"),
    "building": ("●", "cyan"),
    "retrying": ("↻", "yellow"),
    "built": ("✔", "green"),
    "failed": ("✘", "red"),
}


class LiveView:
    """Feed it events between `start` and `stop`; what must not be missed stays on the screen above the live lines."""

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
        if (style := _stays(event)) and (text := plain.line(event)):
            self._console.print(text, style=style, soft_wrap=True)
        for warning in self._board.warnings[self._shown :]:
            self._console.print(f"warning: {plain.clean(warning)}", style="yellow", soft_wrap=True)
        self._shown = len(self._board.warnings)

    def _render(self) -> RenderableType:
        return lines(self._board, time.monotonic(), width=self._console.width, height=self._console.height)


def lines(board: Board, now: float, *, width: int, height: int) -> RenderableType:
    """The board as lines for a terminal of that size."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    has_names = any(row.target for row in board.rows.values())
    # The terminal writes ^C behind the last line. If that did not fit there, it would push all lines up by one, and
    # the topmost would stay on the screen for good.
    table = Table.grid(padding=(0, 2))
    table.width = max(width - _ROOM_FOR_CTRL_C, 1)
    longest = max(width // _SHARE_OF_A_NAME, 1) if has_names else None
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=longest)
    if has_names:
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=longest)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    if not has_names:
        table.add_column(no_wrap=True, justify="right")
    table.add_column(no_wrap=True, ratio=1, overflow="ellipsis")
    for row in board.shown(height - _OTHER_LINES):
        mark, style = _MARKS[row.state]
        elapsed = row.elapsed(now)
        cells = [
            Text(mark, style=style),
            Text(f"{row.node}+{row.double}" if row.double else row.node, style="bold"),
            Text(str(row.platform)),
            Text("" if elapsed is None else words.seconds(elapsed), style=style),
        ]
        if has_names:
            cells.insert(2, Text(plain.clean(row.target)))
        else:
            cells.append(Text(f"{row.cached} cached" if row.cached else "", style="dim"))
        table.add_row(*cells, Text(_doing(row), style="" if row.state == "building" else style))
    if not has_names:
        table.add_row("", Text("farm", style="bold"), Text(plain.clean(board.stage), style="dim"), "", "", "")
        return table
    return Group(table, *_how_far(board))


def _stays(event: Event) -> str | None:
    """The style of an event that is told above the live lines, None for one that is not."""
    match event.event if isinstance(event, OfTarget) else event:
        case RunStarted() | TargetEnded(error=None):
            return "dim"
        case AttemptFailed():
            return "yellow"
        case TargetEnded():
            return "red"
    return None


def _how_far(board: Board) -> tuple[Text, Text]:
    """Two lines for a run of several images: how many platforms are where, and which images are under way."""
    from rich.text import Text

    tally = board.tally()
    counts = ", ".join(f"{tally[state]} {state}" for state in _MARKS if tally[state])
    done, failed = sum(board.ended.values()), sum(not is_good for is_good in board.ended.values())
    images = f"{done} of {len({row.target for row in board.rows.values()} | set(board.ended))} images done"
    first = Text.assemble(("   farm  ", "bold"), (counts, "dim"), (f"; {images}", "dim"), overflow="ellipsis")
    if failed:
        first.append(f", {failed} failed", "red")
    under_way = [
        f"{plain.clean(target)} {board.stages.get(target) or f'{built}/{total}'}"
        for target, (built, total) in board.progress().items()
    ]
    second = Text.assemble("         ", ("  ".join(under_way), "dim"), overflow="ellipsis")
    first.no_wrap = second.no_wrap = True
    return first, second


def _doing(row: Row) -> str:
    if row.state == "built":
        return row.step or f"built, {row.cached} of {row.total} steps cached"
    if row.state == "waiting":
        return "waits for a slot"
    step, output = plain.clean(row.step), plain.clean(row.output)
    return f"{step}  {output}" if output else step
