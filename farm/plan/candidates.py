"""The nodes where a job would end first. Pure."""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection, Mapping, Sequence
from math import inf
from typing import NamedTuple

from farm.plan.jobs import Expected, Job
from farm.plan.pools import Choices, Pool

# What a node takes to fetch what another has built, in seconds: some hundred MB at the speed of a home's network.
TRANSFER = 5.0


class Candidate(NamedTuple):
    """A node that could have a job, from `start` on. `score` is the end, and what puts the node behind others.

    `fetches`: what the job needs was built elsewhere.
    """

    score: float
    node: str
    start: float
    expected: Expected
    pool: Pool
    fetches: bool

    @property
    def end(self) -> float:
        """When it would be done there."""
        return self.start + self.expected.seconds


def candidates(
    job: Job,
    choices: Choices,
    ready: float,
    *,
    prices: Mapping[int, float],
    thrift: float,
    near: Collection[str] = (),
    most: int = 4,
) -> list[Candidate]:
    """The nodes where the job would end first, the best one first, by what is planned there already.

    Nodes that have built what the job needs are `near`; the others fetch it first. With `thrift`, each second counts
    that much more that a node takes longer than it should for what its time is worth (`prices`, of farm.plan.bound):
    less gets done where jobs build cold what would be warm elsewhere, or leave the fast nodes to jobs that gain less.
    """
    found: list[Candidate] = []
    worst = inf
    own = {name for _, name, _ in choices.apart}
    for least, _, more, pool, expected, only in _places(choices, ready, prices, thrift):
        if least > worst:
            break
        memory = pool.demand(job)
        for moment, name in _soonest(pool, only, own, near):
            if moment + more > worst:
                break
            start = pool.line(name).earliest(ready, expected.seconds, memory)
            fetches = bool(near) and name not in near
            score = start + more + (TRANSFER if fetches else 0.0)
            if score < worst or (score, name) < found[-1][:2]:
                insort(found, Candidate(score, name, start, expected, pool, fetches), key=_rank)
                del found[most:]
                if len(found) == most:
                    worst = found[-1].score
    return found


def _places(
    choices: Choices, ready: float, prices: Mapping[int, float], thrift: float
) -> list[tuple[float, int, float, Pool, Expected, str | None]]:
    """Pools and nodes that stand apart (by name), each with the least score that is possible there, sorted by that.

    The number makes each of them unlike the others; then comes what the score is more than the start.
    """
    worth = {pool: prices[pool.number] / pool.slots for pool, _ in choices.seconds()}
    cheapest = min(worth[pool] * seconds for pool, seconds in choices.seconds())
    places: list[tuple[Pool, Expected, str | None]] = [(pool, expected, None) for pool, expected in choices.alike]
    places += [(pool, expected, name) for pool, name, expected in choices.apart]
    found = []
    for number, (pool, expected, only) in enumerate(places):
        waste = (expected.seconds - cheapest / worth[pool]) / pool.slots
        more = expected.seconds + pool.handicap + thrift * waste
        found.append((max(pool.room, ready) + more, number, more, pool, expected, only))
    found.sort()
    return found


def _soonest(pool: Pool, only: str | None, own: Collection[str], near: Collection[str]) -> Sequence[tuple[float, str]]:
    """The pool's nodes that are worth a look, each with a moment before which it has no room, the first ones first."""
    if only is not None:
        return ((0.0, only),)
    nodes = pool.soonest()
    if not own and not near:
        return nodes
    others = [each for each in nodes if each[1] not in own and each[1] not in near]
    return [(0.0, name) for name in near if name in pool and name not in own] + others


def _rank(candidate: Candidate) -> tuple[float, str]:
    return candidate.score, candidate.node
