"""How long a node that loses builds is left alone. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST_REST = timedelta(seconds=10)
LONGEST_REST = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """A node lost builds `count` times in a row and rests `until` then (a time with a zone)."""

    node: str
    count: int
    until: datetime

    def is_over(self, now: datetime) -> bool:
        """Whether the node may be used again.

        A rest that ends later than any rest can was written while the clock was wrong: boards have none of their own.
        """
        return not now < self.until <= now + LONGEST_REST


def rest(count: int) -> timedelta:
    """How long a node rests after its `count`-th loss in a row, which counts from 1: 10 s, doubling to 1 h."""
    # Doubled for ever a timedelta would overflow, long after the bound.
    doublings = min(count - 1, 10)
    return min(FIRST_REST * (1 << doublings), LONGEST_REST)


def next_strike(node: str, before: Strike | None, now: datetime) -> Strike:
    """What a loss makes of what stood against the node.

    A loss while the node rests is no further one: several platforms, or several runs, tell of the same.
    """
    if before is not None and not before.is_over(now):
        return before
    count = before.count + 1 if before else 1
    return Strike(node=node, count=count, until=now + rest(count))
