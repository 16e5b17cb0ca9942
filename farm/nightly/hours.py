"""When tonight's builds may start: until the deadline, and outside of the quiet windows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

_DAY = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """The hours of one night. `deadline` is how many seconds after its start the last build may start, None for any.

    A clock that jumps moves no deadline: it counts by a clock that only goes forward. `quiet` are pairs of seconds
    since local midnight between which none starts; the second may be the smaller one: over midnight.
    """

    deadline: float | None = None
    quiet: tuple[tuple[int, int], ...] = ()

    def are_over(self, elapsed: float) -> bool:
        """Whether no build starts any more, so many seconds after the night's start."""
        return self.deadline is not None and elapsed >= self.deadline

    def wait(self, now: datetime) -> float:
        """Seconds until a build may start, by the clock on the wall; 0 where it may now."""
        return quiet_for(now, self.quiet)


def quiet_for(now: datetime, quiet: Sequence[tuple[int, int]]) -> float:
    """Seconds until no quiet window holds any more; windows that follow on one another are one."""
    left = 0.0
    for _ in range(len(quiet) + 1):
        then = now + timedelta(seconds=left)
        second = then.hour * 3600 + then.minute * 60 + then.second + then.microsecond / 1e6
        until = [(end - second) % _DAY or _DAY for begin, end in quiet if _is_in(second, begin, end)]
        if not until:
            return left
        left += max(until)
    return left


def _is_in(second: float, begin: int, end: int) -> bool:
    return begin <= second < end if begin <= end else second >= begin or second < end
