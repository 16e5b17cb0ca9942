from __future__ import annotations

import pytest

from farm.build.failures import Kind
from farm.plan.failover import Again, GiveUp, decide
from farm.report.outcome import Attempt


def attempts(*pairs: tuple[str, Kind]) -> list[Attempt]:
    return [Attempt(node=node, kind=kind, reason="any", seconds=1.0) for node, kind in pairs]


CASES = [
    pytest.param(
        [("z1", Kind.NODE_LOST)], ["z2"], 2, Again(node="z2", pause=0, why="moves to z2"), id="lost: standby at once"
    ),
    pytest.param(
        [("z1", Kind.NODE_LOST)],
        [],
        2,
        Again(node="z1", pause=5.0, why="again on z1 in 5.0 s"),
        id="lost, no standby: it may come back",
    ),
    pytest.param(
        [("z1", Kind.NODE_LOST)] * 3, [], 2, GiveUp(why="3 tries, and no standby is left"), id="lost for good: give up"
    ),
    pytest.param(
        [("z1", Kind.NODE_LOST), ("z2", Kind.NODE_LOST)],
        [],
        2,
        Again(node="z1", pause=5.0, why="again on z1 in 5.0 s"),
        id="all lost once: the first one has had time to come back",
    ),
    pytest.param(
        [("z1", Kind.TRANSIENT)],
        ["z2"],
        2,
        Again(node="z1", pause=0.5, why="again on z1 in 0.5 s"),
        id="transient: same node, its cache is warm",
    ),
    pytest.param(
        [("z1", Kind.TRANSIENT)] * 2,
        ["z2"],
        2,
        Again(node="z1", pause=1.0, why="again on z1 in 1.0 s"),
        id="transient twice: longer pause",
    ),
    pytest.param(
        [("z1", Kind.TRANSIENT)] * 3, ["z2"], 2, Again(node="z2", pause=0, why="moves to z2"), id="then the standby"
    ),
    pytest.param(
        [("z1", Kind.TRANSIENT)], [], 0, GiveUp(why="1 try, and no standby is left"), id="no retries asked for"
    ),
    pytest.param(
        [("z1", Kind.STEP_FAILED)],
        ["z2"],
        2,
        Again(node="z1", pause=0, why="once more; finished steps are cached"),
        id="a failed step: once more on the same node",
    ),
    pytest.param(
        [("z1", Kind.STEP_FAILED)] * 2, ["z2"], 5, GiveUp(why="it failed the same way again"), id="twice is the answer"
    ),
    pytest.param([("z1", Kind.STEP_FAILED)], ["z2"], 0, GiveUp(why="no retries were asked for"), id="not even once"),
    pytest.param(
        [("z1", Kind.NODE_LOST), ("z2", Kind.STEP_FAILED)],
        [],
        2,
        Again(node="z2", pause=0, why="once more; finished steps are cached"),
        id="a step that fails after a lost node gets its own second try",
    ),
    pytest.param(
        [("z1", Kind.REFUSED)], ["z2"], 9, GiveUp(why="the same input gives the same answer"), id="refused: never"
    ),
    pytest.param(
        [("z1", Kind.OUT_OF_DISK)], ["z2"], 2, Again(node="z2", pause=0, why="moves to z2"), id="a full disk: elsewhere"
    ),
    pytest.param(
        [("z1", Kind.OUT_OF_MEMORY)],
        ["z2"],
        2,
        Again(node="z1", pause=0, why="once more; finished steps are cached"),
        id="out of memory: once more",
    ),
    pytest.param(
        [("z1", Kind.OUT_OF_MEMORY)] * 2, ["z2"], 2, Again(node="z2", pause=0, why="moves to z2"), id="then elsewhere"
    ),
    pytest.param([("z1", Kind.SILENT)], ["z2"], 2, Again(node="z2", pause=0, why="moves to z2"), id="silent: as lost"),
]


@pytest.mark.parametrize(("history", "standbys", "retries", "expected"), CASES)
def test_what_follows_a_failed_try(
    history: list[tuple[str, Kind]], standbys: list[str], retries: int, expected: Again | GiveUp
) -> None:
    assert decide(attempts(*history), standbys=standbys, retries=retries) == expected


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("retries", [0, 1, 2, 10])
def test_every_chain_of_failures_of_one_kind_ends(kind: Kind, retries: int) -> None:
    history: list[Attempt] = []
    node, standbys = "a", ["b", "c"]
    for _ in range(100):
        history.append(Attempt(node=node, kind=kind, reason="any", seconds=1.0))
        move = decide(history, standbys=standbys, retries=retries)
        if isinstance(move, GiveUp):
            break
        node = move.node
        standbys = [name for name in standbys if name != node]
    assert isinstance(move, GiveUp)
    assert len(history) <= 3 * (retries + 1)
