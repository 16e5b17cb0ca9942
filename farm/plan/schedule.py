"""Which job runs where and when, so that all of them end early. Pure, and the same for any input order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from farm.plan import reasons
from farm.plan.bound import bound
from farm.plan.candidates import Candidate, candidates
from farm.plan.jobs import NOBODY_ALIKE, Alike, Expect, Job, Key, Placement, Running, Schedule, Seat, Skip
from farm.plan.order import Order, order
from farm.plan.pools import Choices, Pools
from farm.platforms import Platform

# How much each second counts more that a node takes longer than the fastest (farm.plan.candidates). Which of these
# ends first differs from farm to farm: several are tried, as many as take no longer than this many jobs' placing.
THRIFTS = (0.5, 0.0, 1.0, 2.0)
PLACINGS = 4000


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

    That is HEFT (Topcuoglu, Hariri and Wu, 2002): upward ranks, then the earliest finish with gaps filled. A warm cache
    needs no rule of its own: a node that has it takes less time, and wins unless waiting for it takes more. Of several
    schedules that weigh work against time, the one whose last job ends first is taken.

    `running` are jobs that hold slots and memory already at `now`, in seconds from the run's start; they are not
    placed again, and whoever needs them waits for them. A need that is neither in `jobs` nor in `running` is there
    already. Raises ValueError where two jobs have one key.
    """
    if len({job.key for job in jobs}) < len(jobs):
        raise ValueError("two jobs with one key")
    pools = Pools(jobs, seats, expect, alike)
    choices = {job.key: pools.choices(job) for job in jobs}
    found = order(jobs, {key: choice.fastest for key, choice in choices.items()})
    skipped = _impossible(found)
    possible = []
    for job in found.jobs:
        if reason := _why_not(job, choices[job.key], seats, skipped):
            skipped[job.key] = reason
        else:
            possible.append(job)
    tries = THRIFTS[: max(1, PLACINGS // max(1, len(possible)))]
    best = min(
        (_placed(possible, choices, pools.begin(running, now), now, thrift) for thrift in sorted(tries)), key=_cost
    )
    placements = [
        Placement(
            key=job.key,
            node=winner.node,
            start=winner.start,
            end=winner.end,
            reason=reasons.chosen(job, (winner, *others), seats),
            expected=winner.expected,
            runners_up=tuple(reasons.runner_up(other, winner, seats) for other in others),
        )
        for job, (winner, *others) in zip(possible, best, strict=True)
    ]
    return Schedule(
        placements=tuple(sorted(placements, key=lambda each: (each.start, each.node, each.key))),
        skipped=tuple(Skip(key=key, reason=skipped[key]) for key in sorted(skipped)),
        bound=bound(possible, choices),
    )


def _placed(
    jobs: Sequence[Job], choices: Mapping[Key, Choices], ends: dict[Key, float], now: float, thrift: float
) -> list[list[Candidate]]:
    """For each job the node that it goes to, and behind it those that it does not; `ends` of what runs already."""
    found = []
    nodes: dict[Key, str] = {}
    for job in jobs:
        ready = max((ends[need] for need in job.needs if need in ends), default=now)
        near = {nodes[need] for need in job.needs if need in nodes}
        best = candidates(job, choices[job.key], ready, near=near, thrift=thrift)
        winner = best[0]
        winner.pool.take(winner.node, winner.start, winner.expected.seconds, winner.pool.demand(job))
        ends[job.key], nodes[job.key] = winner.end, winner.node
        found.append(best)
    return found


def _cost(placed: Sequence[Sequence[Candidate]]) -> tuple[float, float]:
    """When the last job ends, on a node that is put behind others as much later; then when all end on average."""
    return (
        max((best[0].end + best[0].pool.handicap for best in placed), default=0.0),
        sum(best[0].end + best[0].pool.handicap for best in placed),
    )


def _impossible(found: Order) -> dict[Key, str]:
    circles = {
        key: f"it needs itself: {' needs '.join(each.target for each in circle)}"
        for key, circle in found.circles.items()
    }
    return circles | {key: _lacks(need, key.platform) for key, need in found.stuck.items()}


def _why_not(job: Job, choices: Choices, seats: Mapping[str, Seat], skipped: Mapping[Key, str]) -> str | None:
    """Why a job cannot be built at all, None where it can."""
    if missing := [need for need in job.needs if need in skipped]:
        return _lacks(min(missing), job.key.platform)
    if choices.alike or choices.apart:
        return None
    resting = [f"{name} ({seats[name].drained})" for name in sorted(set(job.nodes)) if name in seats]
    if resting:
        return f"every node that builds it is drained: {', '.join(resting)}"
    return f"no node builds {job.key.platform}"


def _lacks(need: Key, platform: Platform) -> str:
    name = need.target if need.platform == platform else f"{need.target} for {need.platform}"
    return f"it needs {name}, which is not built"
