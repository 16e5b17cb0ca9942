"""Which job starts where now, while a run goes on. Pure, and the same for any input order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from farm.plan.jobs import NOBODY_ALIKE, Alike, Expect, Job, Running, Schedule, Seat, Start
from farm.plan.schedule import schedule
from farm.report import words

# Google's MapReduce and Spark start copies of what is late in the same way (spark.speculation.multiplier is 1.5 to 3).
LATE = 1.5
LATE_SECONDS = 60.0


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

    `jobs` are those that have not been started, ready or not: one is ready once none of its needs is among `jobs` or
    `running`. `seats` are whole nodes; `running` says what is taken of them, other tries and duplicates included. A
    job goes where the `plan` has it; to a node that would be idle if it ends there sooner.
    """
    planned = {placement.key: placement.node for placement in plan.placements}
    waiting = {job.key for job in jobs} | {each.job.key for each in running}
    fresh = schedule(jobs, seats, expect, alike=alike, running=running, now=now)
    return tuple(
        Start(
            key=each.key,
            node=each.node,
            reason=each.reason,
            expected=each.expected,
            planned=planned[each.key] if planned.get(each.key, each.node) != each.node else None,
        )
        for each in fresh.placements
        if each.start <= now and not any(need in waiting for job in jobs if job.key == each.key for need in job.needs)
    )


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
