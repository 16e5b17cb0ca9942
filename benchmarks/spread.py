"""Medians and paired ratios. Pure.

No machine is ever quite idle, so what ran in one round is compared within that round.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """What several runs gave."""

    median: float
    least: float
    most: float

    def document(self) -> dict[str, float]:
        """For JSON, rounded to a thousandth."""
        return {"median": round(self.median, 3), "min": round(self.least, 3), "max": round(self.most, 3)}


def spread(values: Sequence[float]) -> Spread:
    """Sum up the values. Raises ValueError where there are none."""
    if not values:
        raise ValueError("no runs")
    return Spread(median=statistics.median(values), least=min(values), most=max(values))


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Ours over theirs, round by round. Raises ValueError where the rounds do not match."""
    return spread([one / other for one, other in zip(ours, theirs, strict=True)])
