"""Nodes as the schedule sees them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from farm.history.strikes import Strike
from farm.inventory.nodes import Node
from farm.nodes.facts import Facts, Unreachable
from farm.plan import quarantine
from farm.plan.jobs import Seat
from farm.plan.planner import BUSY_LOAD_PER_CORE

# Seconds. A node that loses builds is used where nobody else is, whatever waiting for others costs; one that somebody
# else keeps busy builds at perhaps half its speed.
LOST, BUSY = 24 * 3600.0, 60.0
# What is free differs by so many bytes from one look to the next; so boards that are alike stay alike to the schedule.
MEMORY_STEP = 100_000_000


def seats(
    nodes: Mapping[str, Node],
    answers: Mapping[str, Facts | Unreachable],
    *,
    resting: Mapping[str, Strike] = MappingProxyType({}),
    lost: Collection[str] = (),
    drained: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Seat]:
    """A seat for every node that answers.

    `resting` nodes have lost builds of earlier runs, `lost` ones of this; nothing new starts on `drained` ones, each
    with the reason in words.
    """
    found: dict[str, Seat] = {}
    for name, facts in sorted(answers.items()):
        if isinstance(facts, Unreachable):
            continue
        handicap, because = _handicap(name, facts, resting, lost)
        limits = nodes[name].limits
        found[name] = Seat(
            name=name,
            slots=nodes[name].slots,
            memory=_rounded(min(facts.memory_available, limits.memory or facts.memory_available)),
            drained=drained.get(name),
            handicap=handicap,
            because=because,
        )
    return found


def _rounded(memory: int) -> int:
    return max(memory - memory % MEMORY_STEP, MEMORY_STEP)


def _handicap(name: str, facts: Facts, resting: Mapping[str, Strike], lost: Collection[str]) -> tuple[float, str]:
    if name in lost:
        return LOST, "it has lost a build of this run"
    if name in resting:
        return LOST, quarantine.words(resting[name])
    if facts.load > BUSY_LOAD_PER_CORE * max(facts.cpu_count, 1):
        return BUSY, f"it is busy (load {facts.load:.1f} on {facts.cpu_count} cores)"
    return 0.0, ""
