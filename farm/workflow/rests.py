"""The nodes that rest within a run, because they have lost builds of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from farm.history.strikes import Strike, next_strike


class Rests:
    """Rests are as long as between runs (farm.history.strikes), by the loop's own clock."""

    def __init__(self) -> None:
        self._strikes: dict[str, Strike] = {}

    @property
    def names(self) -> list[str]:
        """The nodes that rest now."""
        return [node for node, strike in self._strikes.items() if not strike.is_over(_now())]

    def has_lost(self, node: str) -> None:
        """The node has lost a build, and rests from now on."""
        self._strikes[node] = next_strike(node, self._strikes.get(node), _now())

    def has_built(self, node: str) -> None:
        """The node has built something: its losses are forgotten."""
        self._strikes.pop(node, None)


def _now() -> datetime:
    return datetime.fromtimestamp(asyncio.get_running_loop().time(), UTC)
