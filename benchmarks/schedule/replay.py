"""A night as it goes, in simulated time: builds take what they take, not what was expected."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Mapping, Sequence

from benchmarks.schedule.workloads import Workload
from farm.plan.dispatch import next_jobs, straggler
from farm.plan.jobs import Expected, Job, Key, Running, Schedule, Start

Choose = Callable[[Sequence[Job], Sequence[Running], float], Sequence[Start]]
"""From the jobs that have not started and those that run at a moment, what starts then."""

Takes = Callable[[Job, str], Expected]
"""What a job takes on a node in truth."""

Copy = Callable[[Sequence[Running], float], Start | None]
"""From the jobs that run at a moment, one that deserves a second copy on an idle node."""

LOOK = 15.0

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


def replay(jobs: Sequence[Job], takes: Takes, choose: Choose, copy: Copy | None = None) -> float:
    """Seconds until the last job ends, where `choose` says what starts whenever something has ended.

    Once all jobs have started, `copy` is asked every LOOK seconds for one to start again elsewhere; the first one wins.
    """
    left = {job.key: job for job in jobs}
    running: dict[tuple[Key, str], Running] = {}
    ends: list[tuple[float, Key, str]] = []
    now = 0.0

    def begin(job: Job, start: Start) -> None:
        running[start.key, start.node] = Running(job=job, node=start.node, started=now, expected=start.expected)
        heapq.heappush(ends, (now + takes(job, start.node).seconds, start.key, start.node))

    while left or running:
        for start in choose(tuple(left.values()), tuple(running.values()), now):
            begin(left.pop(start.key), start)
        if not running:
            raise RuntimeError(f"nothing runs at {now:.0f} s, and {len(left)} jobs are left")
        if copy is not None and not left:
            if late := copy(tuple(running.values()), now):
                begin(next(each.job for each in running.values() if each.job.key == late.key), late)
            if ends[0][0] > now + LOOK:
                now += LOOK
                continue
        now, key, _ = heapq.heappop(ends)
        for each in [each for each in running if each[0] == key]:
            del running[each]
        ends = [each for each in ends if each[1] != key]
        heapq.heapify(ends)
    return now


def ours(work: Workload, plan: Schedule) -> Choose:
    """As farm does it."""

    def choose(jobs: Sequence[Job], running: Sequence[Running], now: float) -> Sequence[Start]:
        return next_jobs(jobs, running, work.seats, work.expect, plan=plan, now=now, alike=work.alike)

    return choose


def copies(work: Workload) -> Copy:
    """As farm duplicates stragglers where it is asked to."""

    def copy(running: Sequence[Running], now: float) -> Start | None:
        return straggler(running, work.seats, work.expect, now=now)

    return copy


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
