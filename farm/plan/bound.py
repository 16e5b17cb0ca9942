"""What no schedule can beat, and what each node's time is worth. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import exp, inf, log
from typing import NamedTuple

from farm.plan.jobs import Job, Key
from farm.plan.pools import Choices

# How often prices are changed. The bound is a true one after each round, and hardly rises after so many.
ROUNDS = 12
# How far prices follow the load in the first round, and the least and the most by which one changes.
STEP = 0.5
LEAST, MOST = 0.25, 4.0

Costs = list[tuple[int, float]]
"""What a job takes of one node of each pool (by number) that it may go to, in seconds of the whole node."""


class Weighed(NamedTuple):
    """`bound` is what no schedule can beat, in seconds; `prices` what a second of a node's time costs, by its pool."""

    bound: float
    prices: Mapping[int, float]


def weigh(jobs: Sequence[Job], choices: Mapping[Key, Choices], *, longest: float) -> Weighed:
    """The longest way through jobs that need each other, or all work over all capacity: whichever is more seconds.

    On the `longest` way each job counts with what it takes where it is fastest. Where nodes differ, work is weighed:
    give each node's time a price. Every job pays at least what its cheapest node asks, and in C seconds the nodes
    cannot earn more than C times the sum of their prices. That holds for any prices (they are the dual of the linear
    program that spreads work over nodes), so the best of several is taken, for each part of the farm that shares no job
    with others.
    """
    sizes = {pool.number: len(pool.names) for choice in choices.values() for pool in choice.pools}
    parts = [_capacity(part, sizes) for part in _parts(_costs(jobs, choices))]
    return Weighed(
        bound=max([longest, *(part.bound for part in parts)]),
        prices={pool: price for part in parts for pool, price in part.prices.items()},
    )


def _costs(jobs: Sequence[Job], choices: Mapping[Key, Choices]) -> list[Costs]:
    """Of a node's slots or of its memory, each job takes a share: what is scarcer in a pool is what counts there."""
    shares: dict[int, list[float]] = {}
    for job in jobs:
        for pool in choices[job.key].pools:
            of_pool = shares.setdefault(pool.number, [0.0, 0.0])
            of_pool[0] += 1 / pool.slots
            of_pool[1] += pool.share(job)
    by_memory = {number for number, (of_slots, of_memory) in shares.items() if of_memory > of_slots}
    found = []
    for job in jobs:
        costs: dict[int, float] = {}
        for pool, seconds in choices[job.key].seconds():
            cost = seconds * (pool.share(job) if pool.number in by_memory else 1 / pool.slots)
            costs[pool.number] = min(cost, costs.get(pool.number, inf))
        found.append(list(costs.items()))
    return found


def _parts(costs: Sequence[Costs]) -> Iterator[list[Costs]]:
    """The jobs of each set of pools that shares none with the other pools."""
    joined: dict[int, int] = {}

    def root(number: int) -> int:
        while joined.setdefault(number, number) != number:
            number = joined[number]
        return number

    for kind in {tuple(number for number, _ in of_job) for of_job in costs}:
        for number in kind:
            joined[root(number)] = root(kind[0])
    parts: dict[int, list[Costs]] = {}
    for of_job in costs:
        parts.setdefault(root(of_job[0][0]), []).append(of_job)
    return iter(parts.values())


def _capacity(jobs: Sequence[Costs], sizes: Mapping[int, int]) -> Weighed:
    """The best bound that some rounds of prices find: those of nodes with much to do rise, those of idle ones fall."""
    prices = _first_prices(jobs)
    best = Weighed(0.0, prices)
    for number in range(ROUNDS):
        load = dict.fromkeys(prices, 0.0)
        paid = 0.0
        for costs in jobs:
            least, of_least = inf, (0, 0.0)
            for each in costs:
                asked = prices[each[0]] * each[1]
                if asked < least:
                    least, of_least = asked, each
            paid += least
            load[of_least[0]] += of_least[1]
        found = Weighed(paid / sum(price * sizes[pool] for pool, price in prices.items()), prices)
        best = max(best, found, key=_bound)
        if not best.bound:
            break
        step = STEP / (1 + number)
        prices = {
            pool: price * min(MOST, max(LEAST, load[pool] / sizes[pool] / best.bound)) ** step
            for pool, price in prices.items()
        }
    return best


def _bound(weighed: Weighed) -> float:
    return weighed.bound


def _first_prices(jobs: Sequence[Costs]) -> dict[int, float]:
    """A node that takes twice as long as the fastest for the same jobs gets half the price."""
    ratios: dict[int, list[float]] = {}
    for costs in jobs:
        least = min(cost for _, cost in costs)
        for pool, cost in costs:
            of_pool = ratios.setdefault(pool, [0.0, 0.0])
            if least > 0:
                of_pool[0] += log(cost / least)
                of_pool[1] += 1
    return {pool: exp(-total / count) if count else 1.0 for pool, (total, count) in ratios.items()}
