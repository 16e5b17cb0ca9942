"""A night as it goes, in simulated time: builds take what they take, not what was expected."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Mapping, Sequence

from benchmarks.schedule.workloads import Workload
from farm.plan.dispatch import next_jobs
from farm.plan.jobs import Expected, Job, Key, Running, Schedule, Start

Choose = Callable[[Sequence[Job], Sequence[Running], float], Sequence[Start]]
"""From the jobs that have not started and those that run at a moment, what starts then."""

Takes = Callable[[Job, str], Expected]
"""What a job takes on a node in truth."""

# How far builds are off what was expected: most by a fifth, on whatever node; and one in a hundred meets something on
# its node (a slow mirror, a busy card) that makes it take twice as long.
SPREAD, HICCUPS, TIMES = 0.2, 0.01, 2.0


def real(work: Workload, seed: int, *, hiccups: bool = True) -> Takes:
    """What each job takes in truth on each node; without hiccups, what it would at best."""
    known: dict[tuple[Key, str], Expected] = {}

    def take(job: Job, node: str) -> Expected:
        if (job.key, node) not in known:
            name = f"{seed} {job.key.target} {job.key.platform}"
            off = random.Random(name).lognormvariate(0.0, SPREAD)  # noqa: S311 - a seed is wanted
            if hiccups and random.Random(f"{name} {node}").random() < HICCUPS:  # noqa: S311 - the same
                off *= TIMES
            expected = work.expect(job, node)
            known[job.key, node] = Expected(seconds=expected.seconds * off, is_warm=expected.is_warm)
        return known[job.key, node]

    return take


def replay(jobs: Sequence[Job], takes: Takes, choose: Choose) -> float:
    """Seconds until the last job ends, where `choose` says what starts whenever something has ended."""
    left = {job.key: job for job in jobs}
    running: dict[Key, Running] = {}
    ends: list[tuple[float, Key]] = []
    now = 0.0
    while left or running:
        for start in choose(tuple(left.values()), tuple(running.values()), now):
            job = left.pop(start.key)
            running[start.key] = Running(job=job, node=start.node, started=now, expected=start.expected)
            heapq.heappush(ends, (now + takes(job, start.node).seconds, start.key))
        if not ends:
            raise RuntimeError(f"nothing runs at {now:.0f} s, and {len(left)} jobs are left")
        now, key = heapq.heappop(ends)
        del running[key]
    return now


def ours(work: Workload, plan: Schedule) -> Choose:
    """As farm does it."""

    def choose(jobs: Sequence[Job], running: Sequence[Running], now: float) -> Sequence[Start]:
        return next_jobs(jobs, running, work.seats, work.expect, plan=plan, now=now, alike=work.alike)

    return choose


def fixed(work: Workload, nodes: Mapping[Key, str]) -> Choose:
    """Every job on the node that was chosen beforehand, in the order of `nodes`, as soon as that has a slot."""

    def choose(jobs: Sequence[Job], running: Sequence[Running], _: float) -> Sequence[Start]:
        open_ = {job.key: job for job in jobs}
        awaited = open_.keys() | {each.job.key for each in running}
        free = {name: seat.slots for name, seat in work.seats.items()}
        for each in running:
            free[each.node] -= 1
        starts = []
        for key, node in nodes.items():
            job = open_.get(key)
            if job is not None and free[node] and awaited.isdisjoint(job.needs):
                free[node] -= 1
                starts.append(Start(key=key, node=node, reason="", expected=work.expect(job, node)))
        return starts

    return choose


def first_match(work: Workload) -> dict[Key, str]:
    """As buildx chooses: the first node of the builder that has the platform."""
    return {job.key: min(job.nodes) for job in work.jobs}


def at_random(work: Workload, seed: int) -> dict[Key, str]:
    """Any node that has the platform."""
    random_ = random.Random(seed)  # noqa: S311 - a seed is wanted
    return {job.key: random_.choice(job.nodes) for job in work.jobs}
