from __future__ import annotations

import pytest

from farm.build.failures import Kind
from farm.inventory.patience import Retry
from farm.plan.failover import Again, GiveUp, decide
from farm.plan.policy import policy
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
        [("z1", Kind.OUT_OF_DISK)],
        ["z2"],
        2,
        Again(node="z1", pause=0, why="prunes the build cache of z1, then again there", prunes=True),
        id="a full disk: pruned once",
    ),
    pytest.param(
        [("z1", Kind.OUT_OF_DISK)] * 2, ["z2"], 2, Again(node="z2", pause=0, why="moves to z2"), id="then elsewhere"
    ),
    pytest.param(
        [("z1", Kind.OUT_OF_DISK)] * 2 + [("z2", Kind.OUT_OF_DISK)],
        [],
        2,
        Again(node="z2", pause=0, why="prunes the build cache of z2, then again there", prunes=True),
        id="where the disk is full too",
    ),
    pytest.param(
        [("z1", Kind.OUT_OF_DISK)] * 2, [], 9, GiveUp(why="2 tries, and no standby is left"), id="a disk that is small"
    ),
    pytest.param(
        [("z1", Kind.OUT_OF_DISK)], ["z2"], 0, Again(node="z2", pause=0, why="moves to z2"), id="no retries: no prune"
    ),
    pytest.param(
        [("z1", Kind.OUT_OF_MEMORY)],
        ["z2"],
        2,
        Again(node="z1", pause=0, why="once more on z1", is_alone=True),
        id="out of memory: once more, alone",
    ),
    pytest.param(
        [("z1", Kind.OUT_OF_MEMORY)] * 2,
        ["z2", "pi4", "away"],
        2,
        Again(node="pi4", pause=0, why="moves to pi4, which has 4.0 GB of memory", is_alone=True),
        id="then where there is most memory",
    ),
    pytest.param(
        [("z1", Kind.OUT_OF_MEMORY)] * 2,
        ["away"],
        2,
        Again(node="away", pause=0, why="moves to away", is_alone=True),
        id="whatever that has",
    ),
    pytest.param(
        [("z1", Kind.OUT_OF_MEMORY)] * 2 + [("pi4", Kind.OUT_OF_MEMORY)],
        [],
        2,
        GiveUp(why="3 tries, and no standby is left"),
        id="out of memory everywhere",
    ),
    pytest.param(
        [("z1", Kind.OUT_OF_MEMORY), ("z1", Kind.NODE_LOST)],
        ["z2"],
        2,
        Again(node="z2", pause=0, why="moves to z2", is_alone=True),
        id="what once ran out of memory stays alone",
    ),
    pytest.param([("z1", Kind.SILENT)], ["z2"], 2, Again(node="z2", pause=0, why="moves to z2"), id="silent: as lost"),
]


MEMORY = {"z1": 2_000_000_000, "z2": 2_000_000_000, "pi4": 4_000_000_000}


@pytest.mark.parametrize(("history", "standbys", "retries", "expected"), CASES)
def test_what_follows_a_failed_try(
    history: list[tuple[str, Kind]], standbys: list[str], retries: int, expected: Again | GiveUp
) -> None:
    found = decide(attempts(*history), standbys=standbys, policy=policy(retries=retries), memory=MEMORY)
    assert found == expected


@pytest.mark.parametrize(
    ("history", "standbys", "retry", "expected"),
    [
        pytest.param(
            [("z1", Kind.TRANSIENT)] * 4,
            ["z2"],
            Retry(pause=2, longest_pause=10, kinds={"transient": 5}),
            Again(node="z1", pause=10, why="again on z1 in 10.0 s"),
            id="pauses of one's own",
        ),
        pytest.param(
            [("z1", Kind.STEP_FAILED)],
            ["z2"],
            Retry(kinds={"step_failed": 1}),
            GiveUp(why="no retries were asked for"),
            id="a failed step never again",
        ),
        pytest.param(
            [("z1", Kind.REFUSED)],
            ["z2"],
            Retry(kinds={"refused": 2}),
            Again(node="z1", pause=0.5, why="again on z1 in 0.5 s"),
            id="whoever wants it may ask again",
        ),
        pytest.param(
            [("z1", Kind.OUT_OF_DISK)],
            ["z2"],
            Retry(kinds={"out_of_disk": 1}),
            Again(node="z2", pause=0, why="moves to z2"),
            id="hands off my cache",
        ),
        pytest.param(
            [("z1", Kind.NODE_LOST)],
            [],
            Retry(longest_pause=1),
            Again(node="z1", pause=1, why="again on z1 in 1.0 s"),
            id="no pause is longer than the longest",
        ),
        pytest.param(
            [("z1", Kind.NODE_LOST)],
            [],
            Retry(kinds={"node_lost": 1}),
            GiveUp(why="1 try, and no standby is left"),
            id="a lost node is not waited for",
        ),
    ],
)
def test_the_inventory_has_a_say(
    history: list[tuple[str, Kind]], standbys: list[str], retry: Retry, expected: Again | GiveUp
) -> None:
    assert decide(attempts(*history), standbys=standbys, policy=policy(retry)) == expected


@pytest.mark.parametrize(
    ("elapsed", "is_tried"), [pytest.param(594.9, True, id="in time"), pytest.param(595.0, False, id="too late")]
)
def test_no_try_begins_after_the_total(elapsed: float, is_tried: bool) -> None:
    lost = attempts(("z1", Kind.NODE_LOST))
    move = decide(lost, standbys=[], policy=policy(Retry(total=600)), elapsed=elapsed)
    expected = GiveUp(why="no try begins later than 10 min 00 s after the first")
    assert move == (Again(node="z1", pause=5, why="again on z1 in 5.0 s") if is_tried else expected)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("retries", [0, 1, 2, 10])
def test_every_chain_of_failures_of_one_kind_ends(kind: Kind, retries: int) -> None:
    history: list[Attempt] = []
    node, standbys = "a", ["b", "c"]
    for _ in range(100):
        history.append(Attempt(node=node, kind=kind, reason="any", seconds=1.0))
        move = decide(history, standbys=standbys, policy=policy(retries=retries))
        if isinstance(move, GiveUp):
            break
        node = move.node
        standbys = [name for name in standbys if name != node]
    assert isinstance(move, GiveUp)
    assert len(history) <= 3 * (retries + 1)
