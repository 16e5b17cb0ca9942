"""Plan against fact: how a run's schedule compares with what came of it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from farm.platforms import Platform
from farm.report import words
from farm.report.run_report import Course, Span

# A job is far off where it takes so many times longer or shorter than expected, and it is not a matter of seconds.
FAR_TIMES, FAR_SECONDS = 1.5, 30.0
_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A job that was planned and ran."""

    target: str
    platform: Platform
    planned: Span
    actual: Span

    def __str__(self) -> str:
        return f"{self.target} {self.platform}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Of all jobs that were planned and ran: `planned` and `took` are the seconds from the start of building to the end
    of the last one; `is_guess` says that nothing was known of any of them.

    `elsewhere` ran on another node than planned; `off` took far longer or shorter than expected on the planned node,
    the farthest first.
    """

    planned: float
    took: float
    is_guess: bool
    elsewhere: tuple[Pair, ...]
    off: tuple[Pair, ...]

    def document(self) -> dict[str, Any]:
        """The whole for scripts, in seconds; the jobs themselves stand among the courses."""
        return {"planned": round(self.planned, 3), "took": round(self.took, 3)}


def compare(courses: Sequence[Course], *, failed: Collection[tuple[str, Platform]] = ()) -> Comparison | None:
    """Compare what was planned with what was; None where nothing of what was planned began.

    Of `failed` ones, given by target and platform, nobody wonders that they took another time.
    """
    pairs, off, guessed = list[Pair](), list[Pair](), set[Pair]()
    for course in courses:
        if course.planned and course.actual:
            pair = Pair(target=course.target, platform=course.platform, planned=course.planned, actual=course.actual)
            pairs.append(pair)
            if course.is_guess:
                guessed.add(pair)
            elif pair.planned.node == pair.actual.node and _is_far(pair) and (pair.target, pair.platform) not in failed:
                off.append(pair)
    if not pairs:
        return None
    return Comparison(
        planned=max(pair.planned.end for pair in pairs),
        took=max(pair.actual.end for pair in pairs),
        is_guess=len(guessed) == len(pairs),
        elsewhere=tuple(pair for pair in pairs if pair.planned.node != pair.actual.node),
        off=tuple(sorted(off, key=lambda pair: -abs(pair.actual.seconds - pair.planned.seconds))),
    )


def lines(comparison: Comparison) -> Iterator[str]:
    """The comparison in words: first the whole, then the jobs."""
    planned, took = words.seconds(comparison.planned), words.seconds(comparison.took)
    if comparison.is_guess:
        yield f"guessed {planned}, took {took}: next time these jobs are known"
    else:
        percent = round(100 * (comparison.took / comparison.planned - 1)) if comparison.planned else 0
        how_far = f" ({abs(percent)} % {'longer' if percent > 0 else 'less'})" if percent else ""
        yield f"planned {planned}, took {took}{how_far}"
    yield from _shown(
        [f"{pair} ran on {pair.actual.node}, not {pair.planned.node}" for pair in comparison.elsewhere], "elsewhere"
    )
    yield from _shown(
        [
            f"{pair} took {words.seconds(pair.actual.seconds)} on {pair.actual.node}, "
            f"not {words.seconds(pair.planned.seconds)}"
            for pair in comparison.off
        ],
        "far off",
    )


def _is_far(pair: Pair) -> bool:
    shorter, longer = sorted((pair.planned.seconds, pair.actual.seconds))
    return longer - shorter >= FAR_SECONDS and longer >= FAR_TIMES * shorter


def _shown(told: Sequence[str], how: str) -> Iterator[str]:
    yield from told[:_SHOWN]
    if (more := len(told) - _SHOWN) > 0:
        yield f"{words.count(more, 'more job')} {how}"
