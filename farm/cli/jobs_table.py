"""The schedule of many images: as lines with the reasons, as a Gantt chart, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from farm.cli import gantt
from farm.plan.jobs import Expected, Placement, Schedule
from farm.report import terminal, words
from farm.report.plain import clean

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_HEADINGS = ("START", "END", "NODE", "IMAGE", "PLATFORM", "EXPECTED")
_SHOWN_RUNNERS_UP = 2
_WIDTH_IN_A_MAIL = 100
# Neighbours in the chart can be told apart without colour too.
_COLOURS = ("cyan", "magenta", "green", "yellow", "blue")


def show(schedule: Schedule, stream: TextIO) -> None:
    """Print every job with its node, times and reasons, then the chart, and how long the whole takes."""
    console = terminal.console(stream)
    if schedule.placements:
        _jobs(schedule.placements, console)
        _chart(schedule.placements, console, stream)
    for line in skipped(schedule):
        console.print(line, style="yellow", soft_wrap=True)
    console.print(_whole(schedule), soft_wrap=True)


def document(schedule: Schedule) -> dict[str, Any]:
    """The schedule for scripts; times are seconds from the start, keys are stable."""
    return {
        "makespan": round(schedule.makespan, 3),
        "bound": round(schedule.bound, 3),
        "jobs": [
            {
                "target": placement.key.target,
                "platform": str(placement.key.platform),
                "node": placement.node,
                "start": round(placement.start, 3),
                "end": round(placement.end, 3),
                "expected": expected_document(placement.expected),
                "reason": placement.reason,
                "runners_up": [
                    {"node": other.node, "end": round(other.end, 3), "reason": other.reason}
                    for other in placement.runners_up
                ],
            }
            for placement in schedule.placements
        ],
        "skipped": [
            {"target": skip.key.target, "platform": str(skip.key.platform), "reason": skip.reason}
            for skip in schedule.skipped
        ],
    }


def expected_document(expected: Expected) -> dict[str, Any]:
    """An expected time for scripts, and what it stands on."""
    return {"seconds": round(expected.seconds, 3), "warm": expected.is_warm, "basis": expected.basis}


def expectation(expected: Expected) -> str:
    """What an expected time stands on, in a word or two."""
    cache = "warm" if expected.is_warm else "cold"
    if expected.basis == "guess":
        return f"{cache}, a guess" if expected.is_warm else "a guess"
    return cache if expected.basis == "measured" else f"{cache}, by speed"


def told(expected: Expected) -> str:
    """An expected time and what it stands on: `3 min 05 s, warm`."""
    return f"{words.seconds(expected.seconds)}, {expectation(expected)}"


def _jobs(placements: Sequence[Placement], console: Console) -> None:
    from rich.padding import Padding
    from rich.text import Text

    rows = [_HEADINGS, *(_cells(placement) for placement in placements)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    heading, *lines = (_line(row, widths) for row in rows)
    console.print(heading, style="bold", soft_wrap=True)
    for placement, line in zip(placements, lines, strict=True):
        console.print(line, soft_wrap=True)
        console.print(Padding(Text(_why(placement), style="dim"), (0, 0, 0, 4), expand=False))


def _cells(placement: Placement) -> tuple[str, ...]:
    return (
        words.seconds(placement.start),
        words.seconds(placement.end),
        clean(placement.node),
        clean(placement.key.target),
        str(placement.key.platform),
        expectation(placement.expected),
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    times, others = cells[:2], cells[2:]
    aligned = [text.rjust(width) for text, width in zip(times, widths, strict=False)]
    aligned += [text.ljust(width) for text, width in zip(others, widths[len(times) :], strict=True)]
    return "  ".join(aligned).rstrip()


def _why(placement: Placement) -> str:
    """The reason, and who else there is: why not the first of them is the reason itself, of others it is added."""
    first, *others = placement.runners_up[:_SHOWN_RUNNERS_UP] or (None,)
    if first is None:
        return clean(placement.reason)
    told = [f"{first.node} by {words.seconds(first.end)}"]
    told += [f"{other.node} by {words.seconds(other.end)} ({other.reason})" for other in others if other]
    if (more := len(placement.runners_up) - _SHOWN_RUNNERS_UP) > 0:
        told.append(f"{more} more")
    return clean(f"{placement.reason}; else {', '.join(told)}")


def _chart(placements: Sequence[Placement], console: Console, stream: TextIO) -> None:
    glyphs = gantt.UNICODE if terminal.writable("│─╷…", "", stream) else gantt.ASCII
    targets = sorted({placement.key.target for placement in placements})
    colours = {target: _COLOURS[number % len(_COLOURS)] for number, target in enumerate(targets)}
    console.print()
    width = console.width if stream.isatty() else _WIDTH_IN_A_MAIL
    for line in gantt.chart(placements, width=width, glyphs=glyphs):
        console.print(_coloured(line, colours), soft_wrap=True)
    console.print()


def _coloured(line: gantt.Line, colours: dict[str, str]) -> Text:
    from rich.text import Text

    return Text.assemble(*((piece.text, colours.get(piece.target or "", "")) for piece in line))


def skipped(schedule: Schedule) -> Iterator[str]:
    """A line for each job that is not built, with the reason."""
    for skip in schedule.skipped:
        what = f"{clean(skip.key.target)} {skip.key.platform}".strip()
        yield f"not built: {what}: {clean(skip.reason)}"


def _whole(schedule: Schedule) -> str:
    if not schedule.placements:
        return "nothing to build"
    text = f"{words.count(len(schedule.placements), 'job')} in {words.seconds(schedule.makespan)}"
    if schedule.bound > 0:
        text += f"; no plan could take less than {words.seconds(schedule.bound)}"
    guesses = sum(placement.expected.basis == "guess" for placement in schedule.placements)
    if guesses == len(schedule.placements):
        return f"{text}; all times are guesses"
    return f"{text}; {words.count(guesses, 'time')} guessed" if guesses else text
