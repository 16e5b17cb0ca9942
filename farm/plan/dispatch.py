"""Which job starts where now, while a run goes on. Pure, and the same for any input order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from farm.plan.jobs import NOBODY_ALIKE, Alike, Expect, Job, Key, Placement, Running, Schedule, Seat, Start
from farm.plan.schedule import schedule
from farm.plan.timeline import demand
from farm.report import words

# MapReduce and Spark start copies of what is late in the same way (spark.speculation.multiplier: 1.5, 3 since 4.0).
LATE = 1.5
LATE_SECONDS = 60.0
# So many jobs are planned anew, in so many placings: a run of thousands is still led without a pause that anybody sees.
HORIZON, PLACINGS = 500, 500


def next_jobs(
    jobs: Sequence[Job],
    running: Sequence[Running],
    seats: Mapping[str, Seat],
    expect: Expect,
    *,
    plan: Schedule,
    now: float,
    alike: Alike = NOBODY_ALIKE,
) -> tuple[Start, ...]:
    """What starts now: all of it, so that the caller starts it all and asks again when something has changed.

    Ask now and then as well, while jobs wait and nodes are idle: what runs may take longer than the jobs that wait for
    its node should wait.

    `jobs` are those that have not been started, ready or not: one is ready once none of its needs is among `jobs` or
    `running`. `seats` are whole nodes; `running` says what is taken of them, other tries and duplicates included.

    What is ready starts where the `plan` has it, in the plan's order, as soon as there is room. For a node that would
    be idle, and for jobs whose node has dropped out, what is left is planned anew from now on: a job moves to the idle
    node where it is expected to end sooner there, its cold cache counted.
    """
    awaited = {job.key for job in jobs} | {each.job.key for each in running}
    ready = {job.key: job for job in jobs if awaited.isdisjoint(job.needs)}
    room = _Room(seats, running)
    starts = _as_planned(ready, plan, seats, room)
    started = [
        Running(job=ready.pop(start.key), node=start.node, started=now, expected=start.expected) for start in starts
    ]
    if not any(room.has_slot(node) for job in ready.values() for node in job.nodes):
        return tuple(starts)
    planned = {placement.key: placement for placement in plan.placements}
    begun = {each.job.key for each in started}
    left = _left([job for job in jobs if job.key not in begun], ready, planned, room)
    anew = schedule(left, seats, expect, alike=alike, running=[*running, *started], now=now, placings=PLACINGS)
    for each in anew.placements:
        if each.start <= now and each.key in ready:
            before = planned[each.key].node if each.key in planned else each.node
            starts.append(
                Start(
                    key=each.key,
                    node=each.node,
                    reason=each.reason,
                    expected=each.expected,
                    planned=before if before != each.node else None,
                )
            )
    return tuple(starts)


def _left(jobs: Sequence[Job], ready: Mapping[Key, Job], planned: Mapping[Key, Placement], room: _Room) -> list[Job]:
    """The jobs to plan anew: those that may start now, then those that come after them, in the order of the plan.

    Jobs whose nodes are all drained, and what needs them, would only be in the way.
    """

    def turn(job: Job) -> tuple[bool, float, Key]:
        return job.key not in ready, planned[job.key].start if job.key in planned else 0.0, job.key

    waiting = {job.key for job in jobs}
    found: dict[Key, Job] = {}
    for job in sorted(jobs, key=turn):
        if room.is_usable(job) and all(need in found or need not in waiting for need in job.needs):
            found[job.key] = job
            if len(found) == HORIZON:
                break
    return list(found.values())


class _Room:
    """What is free on each node that may be used."""

    def __init__(self, seats: Mapping[str, Seat], running: Sequence[Running]) -> None:
        self._seats = {name: seat for name, seat in seats.items() if seat.drained is None}
        self._slots = {name: seat.slots for name, seat in self._seats.items()}
        self._memory = {name: seat.memory or 0 for name, seat in self._seats.items()}
        for each in running:
            if each.node in self._seats:
                self.take(each.job, each.node)

    def is_usable(self, job: Job) -> bool:
        return any(node in self._seats for node in job.nodes)

    def has_slot(self, node: str) -> bool:
        return self._slots.get(node, 0) > 0

    def fits(self, job: Job, node: str) -> bool:
        return self.has_slot(node) and self._demand(job, node) <= self._memory[node]

    def take(self, job: Job, node: str) -> None:
        self._slots[node] -= 1
        self._memory[node] -= self._demand(job, node)

    def _demand(self, job: Job, node: str) -> int:
        return demand(job, self._seats[node].memory, self._seats[node].slots)


def _as_planned(ready: Mapping[Key, Job], plan: Schedule, seats: Mapping[str, Seat], room: _Room) -> list[Start]:
    """The jobs that start where the plan has them: on each node in order, so that no heavy one is overtaken for ever.

    One whose node has been put behind others since, for a build that it has lost, is planned anew.
    """
    starts: list[Start] = []
    full: set[str] = set()
    for placement in sorted((each for each in plan.placements if each.key in ready), key=_begin):
        node, job = placement.node, ready[placement.key]
        if node in full or node not in job.nodes or not room.has_slot(node):
            continue
        if seats[node].handicap > min(seats[each].handicap for each in job.nodes if each in seats):
            continue
        if not room.fits(job, node):
            full.add(node)
            continue
        room.take(job, node)
        starts.append(Start(key=job.key, node=node, reason=placement.reason, expected=placement.expected))
    return starts


def _begin(placement: Placement) -> tuple[float, str, Key]:
    return placement.start, placement.node, placement.key


def straggler(running: Sequence[Running], seats: Mapping[str, Seat], expect: Expect, *, now: float) -> Start | None:
    """The running job that deserves a second copy on an idle node, if any: first one wins, the other is cancelled.

    Ask only where the user wants duplicates, and when nothing is left that could start. Of an overdue job nobody knows
    how long it still takes: as long again as so far is the usual guess, so a copy must be expected in less than that.
    """
    keys = Counter(each.job.key for each in running)
    busy = {each.node for each in running}
    idle = {name for name, seat in seats.items() if seat.drained is None and name not in busy}
    found = []
    for each in running:
        elapsed, usual = now - each.started, each.expected.seconds
        if keys[each.job.key] > 1 or elapsed < LATE * usual or elapsed - usual < LATE_SECONDS:
            continue
        copies = [(expect(each.job, name).seconds, name) for name in idle.intersection(each.job.nodes)]
        if copies and min(copies)[0] < elapsed:
            found.append((min(copies)[0] - elapsed, each.job.key, min(copies)[1], each))
    if not found:
        return None
    _, key, node, late = min(found, key=lambda each: each[:3])
    return Start(
        key=key,
        node=node,
        reason=f"{late.node} is at it for {words.seconds(now - late.started)}, "
        f"where {words.seconds(late.expected.seconds)} were expected; {node} is idle",
        expected=expect(late.job, node),
        planned=late.node,
    )
