"""Which job runs where and when, so that all of them end early. Pure, and the same for any input order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from farm.plan.jobs import NOBODY_ALIKE, Alike, Expect, Expected, Job, Placement, Running, Schedule, Seat, Skip


def schedule(
    jobs: Sequence[Job],
    seats: Mapping[str, Seat],
    expect: Expect,
    *,
    alike: Alike = NOBODY_ALIKE,
    running: Sequence[Running] = (),
    now: float = 0.0,
) -> Schedule:
    """Place every job on the node where it is expected to end first, those first that most depends upon.

    `running` are jobs that hold slots and memory already at `now`, in seconds from the run's start; they are not
    placed again. A need that is neither in `jobs` nor in `running` is there already.
    """
    memo: dict[object, Expected] = {}

    def expected_of(job: Job, node: str) -> Expected:
        one = node in alike.apart.get(job.key, ()) or node not in alike.kinds
        place = (job.key, node) if one else (job.key, None, alike.kinds[node])
        return memo.get(place) or memo.setdefault(place, expect(job, node))

    placed: dict[object, Placement] = {}
    skipped: list[Skip] = []
    free = {name: [now] * seat.slots for name, seat in seats.items()}
    for each in running:
        if each.node in free:
            free[each.node].remove(min(free[each.node]))
            free[each.node].append(max(now, each.started + each.expected.seconds))
    left = sorted(jobs, key=lambda job: (-job.priority, job.key))
    names = {job.key for job in left}
    while ready := [job for job in left if not any(need in names and need not in placed for need in job.needs)]:
        for job in ready:
            left.remove(job)
            open_ = [name for name in sorted(job.nodes) if name in seats and seats[name].drained is None]
            if not open_:
                skipped.append(Skip(key=job.key, reason="no node that may be used builds it"))
                continue
            after = max((placed[need].end for need in job.needs if need in placed), default=now)
            ends = [(max(after, min(free[name])) + expected_of(job, name).seconds, name) for name in open_]
            end, node = min(ends)
            expected = expected_of(job, node)
            free[node].remove(min(free[node]))
            free[node].append(end)
            placed[job.key] = Placement(
                key=job.key, node=node, start=end - expected.seconds, end=end, reason="ends first", expected=expected
            )
    skipped += [Skip(key=job.key, reason="it needs what is not built") for job in left]
    return Schedule(
        placements=tuple(sorted(placed.values(), key=lambda each: (each.start, each.node, each.key))),
        skipped=tuple(sorted(skipped, key=lambda skip: skip.key)),
    )
