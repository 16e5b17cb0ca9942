"""Tries of a schedule, and the best of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from farm.plan.bound import Weighed
from farm.plan.candidates import Candidate, candidates
from farm.plan.jobs import Job, Key, Running
from farm.plan.order import Order, order
from farm.plan.pools import Choices, Pools

# How much each second of waste counts more than one of time (farm.plan.candidates): the first where there is time for
# one try only, else the best of all.
THRIFTS = (3.0, 5.0, 8.0, 1.0, 0.0)
# No more tries are made than this.
TRIES = 30
# How much longer than it is a job is taken to be once it has ended last, so that it comes earlier in the next try.
BLAME = 1.3
# A schedule that ends so little after the bound is good enough.
ENOUGH = 1.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """For each job the node that it goes to, and behind it those that it does not."""

    placed: tuple[tuple[Job, list[Candidate]], ...]

    @property
    def cost(self) -> tuple[float, float]:
        """When the last job ends, later on a node that is put behind others; then the sum of all."""
        ends = [_end(each) for each in self.placed]
        return max(ends, default=0.0), sum(ends)

    @property
    def last(self) -> Key:
        """The job that ends last."""
        return max(self.placed, key=_end)[0].key


def _end(placed: tuple[Job, list[Candidate]]) -> float:
    winner = placed[1][0]
    return winner.end + winner.pool.handicap


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """What all tries have in common."""

    pools: Pools
    choices: Mapping[Key, Choices]
    weighed: Weighed
    order: Order
    running: Sequence[Running]
    now: float
    placings: int

    def best(self) -> Try:
        """The try whose last job ends first, in the order of upward ranks or in another.

        Where jobs are few, the order gets better by blame (squeaky wheel optimisation, Joslin and Clements, 1999): what
        has ended last comes earlier in the next try.
        """
        jobs = self.order.jobs
        tries = min(TRIES, max(1, self.placings // max(1, len(jobs))))
        best, thrift = min(
            ((self._try(jobs, thrift), thrift) for thrift in THRIFTS[:tries]), key=lambda each: each[0].cost
        )
        latest = best
        seconds = {job.key: self.choices[job.key].fastest for job in jobs}
        for _ in range(tries - len(THRIFTS)):
            if best.cost[0] <= self.now + ENOUGH * self.weighed.bound:
                break
            seconds[latest.last] *= BLAME
            latest = self._try(order(jobs, seconds).jobs, thrift)
            best = min(best, latest, key=lambda each: each.cost)
        return best

    def _try(self, jobs: Sequence[Job], thrift: float) -> Try:
        """Place all jobs, those in a hurry with less thrift: the last ones are to end together."""
        ends = self.pools.begin(self.running, self.now)
        nodes: dict[Key, str] = {}
        placed = []
        work = sum(self.choices[job.key].fastest for job in jobs)
        done = 0.0
        for job in jobs:
            key = job.key
            done += self.choices[key].fastest
            found = candidates(
                job,
                self.choices[key],
                max((ends[need] for need in job.needs if need in ends), default=self.now),
                prices=self.weighed.prices,
                thrift=thrift * self._leisure(key, done / work if work else 1.0),
                near={nodes[need] for need in job.needs if need in nodes},
            )
            winner = found[0]
            winner.pool.take(winner.node, winner.start, winner.expected.seconds, winner.pool.demand(job))
            ends[key], nodes[key] = winner.end, winner.node
            placed.append((job, found))
        return Try(placed=tuple(placed))

    def _leisure(self, key: Key, done: float) -> float:
        """How little a job is in a hurry, from 1 to 0: that on the critical path is, and when all but it are `done`."""
        bound = self.weighed.bound
        return max(0.0, 1 - self.order.ranks[key] / bound) * max(0.0, 1 - done**3) if bound else 0.0
