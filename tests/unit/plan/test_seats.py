"""Nodes as the schedule sees them."""

from __future__ import annotations

from datetime import UTC, datetime

from farm.errors import UnreachableError
from farm.history.strikes import Strike
from farm.inventory.nodes import Limits, Node
from farm.nodes.facts import Facts, Unreachable
from farm.plan.jobs import Seat
from farm.plan.seats import BUSY, LOST, seats
from tests.unit.facts_of import facts


def _node(name: str, *, slots: int = 1, memory: int | None = None) -> Node:
    return Node(name=name, host=f"{name}.lan", slots=slots, limits=Limits(memory=memory))


NODES = {
    "away": _node("away"),
    "busy": _node("busy"),
    "capped": _node("capped", slots=2, memory=10**9),
    "hot": _node("hot"),
    "lost": _node("lost"),
    "roomy": _node("roomy", memory=10**12),
    "tired": _node("tired"),
}
ANSWERS: dict[str, Facts | Unreachable] = {
    name: facts(name, load=9.0 if name == "busy" else 0.1) for name in NODES if name != "away"
}
ANSWERS["away"] = Unreachable(node="away", error=UnreachableError("away: no answer"))


def test_seats() -> None:
    strike = Strike(node="tired", count=2, until=datetime(2026, 11, 24, 2, 13, tzinfo=UTC))
    found = seats(NODES, ANSWERS, resting={"tired": strike}, lost={"lost"}, drained={"hot": "83 °C"})
    free = 3_000_000_000
    assert found == {
        "busy": Seat(name="busy", memory=free, handicap=BUSY, because="it is busy (load 9.0 on 4 cores)"),
        "capped": Seat(name="capped", slots=2, memory=10**9),
        "hot": Seat(name="hot", memory=free, drained="83 °C"),
        "lost": Seat(name="lost", memory=free, handicap=LOST, because="it has lost a build of this run"),
        "roomy": Seat(name="roomy", memory=free),
        "tired": Seat(name="tired", memory=free, handicap=LOST, because="tired rests until 02:13 after 2 losses"),
    }
    assert list(found) == sorted(found)


def test_boards_that_differ_by_what_changes_from_minute_to_minute_are_alike() -> None:
    free = {"busy": 1_523_456_789, "hot": 1_587_654_321, "tired": 1_600_000_000, "lost": 12_345}
    found = seats(NODES, {name: facts(name, memory_available=memory) for name, memory in free.items()})
    assert {name: seat.memory for name, seat in found.items()} == {
        "busy": 1_500_000_000,
        "hot": 1_500_000_000,
        "tired": 1_600_000_000,
        "lost": 100_000_000,
    }
