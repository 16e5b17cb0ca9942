"""Nodes that rest after losing builds come last, but a platform that nobody else builds keeps them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from farm.history.strikes import Strike
from farm.platforms import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Available:
    """The nodes for one platform, in order; `reasons` says in words why some come last."""

    nodes: tuple[str, ...]
    reasons: tuple[str, ...]


def available(candidates: Mapping[Platform, Sequence[str]], resting: Mapping[str, Strike]) -> dict[Platform, Available]:
    """Put the resting nodes of every platform last, the one that is back first before the others.

    No node is ever left out: one that may fail is better than none.
    """
    return {
        platform: Available(
            nodes=tuple(sorted(nodes, key=lambda node: rank(node, resting))),
            reasons=tuple(_reason(resting[node], platform, nodes, resting) for node in nodes if node in resting),
        )
        for platform, nodes in candidates.items()
    }


def rank(node: str, resting: Mapping[str, Strike]) -> float:
    """The first thing to sort nodes by: 0 for one that may be used, else when its rest is over."""
    return resting[node].until.timestamp() if node in resting else 0.0


def words(strike: Strike) -> str:
    """`z1 rests until 02:13 after 3 losses`, by the clock of the strike's own zone."""
    losses = "1 loss" if strike.count == 1 else f"{strike.count} losses"
    return f"{strike.node} rests until {strike.until:%H:%M} after {losses}"


def _reason(strike: Strike, platform: Platform, nodes: Sequence[str], resting: Mapping[str, Strike]) -> str:
    if all(node in resting for node in nodes):
        return f"{words(strike)}, but no other node builds {platform}"
    return words(strike)
