"""The nodes where a job would end first. Pure."""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection, Iterator
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
    job: Job, choices: Choices, ready: float, *, near: Collection[str] = (), thrift: float = 0.0, most: int = 4
) -> list[Candidate]:
    """The nodes where the job would end first, the best one first, by what is planned there already.

    Nodes that have built what the job needs are `near`; the others fetch it first. With `thrift`, each second that a
    node takes longer than the fastest counts that much more: the farm gets less done where jobs run on slow nodes, or
    on cold ones.
    """
    found: list[Candidate] = []
    away = TRANSFER if near else 0.0
    worst = inf
    fastest = choices.fastest
    for moment, pool, name, expected in _worth_a_look(choices, ready, near):
        more = expected.seconds + pool.handicap + thrift * (expected.seconds - fastest)
        if moment + more > worst:
            continue
        start = pool.line(name).earliest(ready, expected.seconds, pool.demand(job))
        score = start + more + (0.0 if name in near else away)
        if score < worst or (score, name) < found[-1][:2]:
            insort(found, Candidate(score, name, start, expected, pool), key=_rank)
            del found[most:]
            if len(found) == most:
                worst = found[-1].score
    return found


def _worth_a_look(choices: Choices, ready: float, near: Collection[str]) -> Iterator[tuple[float, Pool, str, Expected]]:
    """Nodes, each with a moment before which it cannot start."""
    own = {name for _, name, _ in choices.apart}
    for pool, name, expected in choices.apart:
        yield ready, pool, name, expected
    for pool, expected in choices.alike:
        for name in near:
            if name in pool and name not in own:
                yield ready, pool, name, expected
        for moment, name in pool.soonest():
            if name not in own and name not in near:
                yield max(moment, ready), pool, name, expected


def _rank(candidate: Candidate) -> tuple[float, str]:
    return candidate.score, candidate.node
