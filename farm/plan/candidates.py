"""The nodes where a job would end first. Pure."""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection, Iterator, Mapping, Sequence
from math import inf
from typing import NamedTuple

from farm.plan.jobs import Expected, Job
from farm.plan.pools import Choices, Pool

# What a node takes to fetch what another has built, in seconds: some hundred MB at the speed of a home's network.
TRANSFER = 5.0


class Candidate(NamedTuple):
    """A node that could have a job, from `start` on. `score` is the end, and what puts the node behind others."""

    score: float
    node: str
    start: float
    expected: Expected
    pool: Pool

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
    away = TRANSFER if near else 0.0
    worst = inf
    cheapest = min(prices[pool.number] / pool.slots * seconds for pool, seconds in choices.seconds())
    for pool, expected, nodes in _worth_a_look(choices, near):
        waste = expected.seconds / pool.slots - cheapest / prices[pool.number]
        more = expected.seconds + pool.handicap + thrift * waste
        memory = pool.demand(job)
        for moment, name in nodes:
            if max(moment, ready) + more > worst:
                break
            start = pool.line(name).earliest(ready, expected.seconds, memory)
            score = start + more + (0.0 if name in near else away)
            if score < worst or (score, name) < found[-1][:2]:
                insort(found, Candidate(score, name, start, expected, pool), key=_rank)
                del found[most:]
                if len(found) == most:
                    worst = found[-1].score
    return found


def _worth_a_look(
    choices: Choices, near: Collection[str]
) -> Iterator[tuple[Pool, Expected, Sequence[tuple[float, str]]]]:
    """Nodes, each with a moment before which it has no room, the first ones first."""
    own = {name for _, name, _ in choices.apart}
    for pool, name, expected in choices.apart:
        yield pool, expected, ((0.0, name),)
    for pool, expected in choices.alike:
        close = [(0.0, name) for name in near if name in pool and name not in own] if near else ()
        nodes = pool.soonest()
        if own or near:
            nodes = [each for each in nodes if each[1] not in own and each[1] not in near]
        yield pool, expected, (*close, *nodes)


def _rank(candidate: Candidate) -> tuple[float, str]:
    return candidate.score, candidate.node
