"""A schedule as a Gantt chart of text: a line for each slot of each node, bars in proportion to time. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from farm.plan.jobs import Key, Placement
from farm.report.plain import clean

# What a tick of the axis may stand for, in seconds, and how many cells lie between two at least.
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_CELLS_BETWEEN = 10
_LONGEST_NODE = 16


# A bar narrower than this cannot say whose it is: such neighbours are one bar, up to so many cells, with their number.
_NARROW, _TOGETHER = 4, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyphs:
    """The characters that a chart is drawn with."""

    edge: str
    fill: str
    tick: str
    more: str


UNICODE = Glyphs(edge="│", fill="─", tick="╷", more="…")
ASCII = Glyphs(edge="|", fill="-", tick="|", more=".")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some cells of a line; `target` is whose bar they are, None for what is no bar or stands for several."""

    text: str
    target: str | None = None


Line = tuple[Piece, ...]


@dataclass(slots=True)
class _Bar:
    """Cells `left` to `right` of a lane, without the latter, and the jobs that they stand for."""

    left: int
    right: int
    keys: list[Key]

    @property
    def is_narrow(self) -> bool:
        return self.right - self.left < _NARROW


def chart(placements: Sequence[Placement], *, width: int, glyphs: Glyphs) -> list[Line]:
    """The lines of a chart that is `width` cells wide at most: an axis, then the nodes by name.

    A bar begins with an edge and carries its target's name and platform as far as they fit; of jobs that are too short
    for that it carries the number.
    """
    lanes = list(_lanes(placements))
    span = max((placement.end for placement in placements), default=0.0)
    if span <= 0:
        return []
    names = [_shortened(name, _LONGEST_NODE, glyphs) for name, _ in lanes]
    margin = max(len(name) for name in names) + 2
    # The last cell is for the edge behind the last bar.
    room = max(width - margin - 1, 1)
    axis = [(Piece(text=" " * margin + text),) for text in _axis(span, room, glyphs)]
    bars = [
        (Piece(text=name.ljust(margin)), *_pieces(_bars(jobs, span, room), glyphs))
        for name, (_, jobs) in zip(names, lanes, strict=True)
    ]
    return [*axis, *bars]


def _lanes(placements: Sequence[Placement]) -> Iterator[tuple[str, list[Placement]]]:
    """What runs one after the other, by node: as many lanes for a node as jobs run there at once."""
    nodes: dict[str, list[list[Placement]]] = {}
    for placement in sorted(placements, key=lambda each: (each.node, each.start, each.end, each.key)):
        lanes = nodes.setdefault(placement.node, [])
        for lane in lanes:
            if lane[-1].end <= placement.start + 1e-6:
                lane.append(placement)
                break
        else:
            lanes.append([placement])
    for node, lanes in nodes.items():
        for number, lane in enumerate(lanes, start=1):
            yield (clean(node) if number == 1 else f"{clean(node)}/{number}"), lane


def _bars(jobs: Sequence[Placement], span: float, room: int) -> list[_Bar]:
    bars: list[_Bar] = []
    for job in jobs:
        new = _Bar(round(job.start / span * room), round(job.end / span * room), [job.key])
        last = bars[-1] if bars else None
        new.left = max(min(new.left, room - 1), last.right if last else 0)
        new.right = max(new.right, new.left + 1)
        if last and (new.right > room or _belong_together(last, new)):
            last.right, last.keys = min(new.right, room), [*last.keys, job.key]
        else:
            bars.append(new)
    return bars


def _belong_together(last: _Bar, new: _Bar) -> bool:
    if new.left > last.right or not new.is_narrow:
        return False
    return last.is_narrow or (len(last.keys) > 1 and last.right - last.left < _TOGETHER)


def _pieces(bars: Sequence[_Bar], glyphs: Glyphs) -> Iterator[Piece]:
    at = 0
    for bar in bars:
        if bar.left > at:
            # What ends before it has its edge in the first cell that is free.
            yield Piece(text=(glyphs.edge if at else " ").ljust(bar.left - at))
        inside = bar.right - bar.left - 1
        yield Piece(
            text=glyphs.edge + _label(bar.keys, inside, glyphs).ljust(inside, glyphs.fill),
            target=bar.keys[0].target if len(bar.keys) == 1 else None,
        )
        at = bar.right
    yield Piece(text=glyphs.edge)


def _label(keys: Sequence[Key], cells: int, glyphs: Glyphs) -> str:
    """What stands in a bar: the most telling that fits."""
    if len(keys) > 1:
        number = f"x{len(keys)}"
        return number if len(number) <= cells else ""
    ((target, platform),) = keys
    short = str(platform).partition("/")[2]
    both = f"{clean(target)} {short}".strip()
    return both if len(both) <= cells else _shortened(clean(target) or short, cells, glyphs)


def _shortened(text: str, cells: int, glyphs: Glyphs) -> str:
    if len(text) <= cells:
        return text
    return text[: cells - 1] + glyphs.more if cells > 1 else text[:cells]


def _axis(span: float, room: int, glyphs: Glyphs) -> tuple[str, str]:
    """The times above the chart, and the marks that say where each of them is."""
    most = max(room // _CELLS_BETWEEN, 1)
    step = next((step for step in _STEPS if span / step <= most), None) or _STEPS[-1] * -(-span // (_STEPS[-1] * most))
    times, marks = "", ""
    for number in range(int(span // step) + 1):
        at = round(number * step * room / span)
        label = _time(number * step)
        if at + len(label) > room:
            break
        times = times.ljust(at) + label
        marks = marks.ljust(at) + glyphs.tick
    return times, marks


def _time(seconds: float) -> str:
    """A round time as short as can be: `0`, `30 s`, `5 min`, `1:30 min`, `2 h`, `1:30 h`."""
    for unit, size, part in (("h", 3600, 60), ("min", 60, 1)):
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            return f"{whole:.0f}:{rest // part:02.0f} {unit}" if rest else f"{whole:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds else "0"
