"""How long a build usually takes, from what earlier ones took. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# Older builds than these say little about the next one.
RECENT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """One try that went well, in seconds. `is_warm`: most of its steps were cached."""

    seconds: float
    is_warm: bool


def is_warm(cached: int, total: int) -> bool:
    """Whether a build with this many steps from the cache says nothing about one without a cache."""
    return 2 * cached >= total


def usual(durations: Sequence[Duration]) -> float | None:
    """The median of the builds that were not warm, in seconds; None where there was none."""
    import statistics

    cold = [duration.seconds for duration in durations if not duration.is_warm]
    return statistics.median(cold) if cold else None
