"""Which job runs where and when, so that all of them end early. Pure, and the same for any input order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from farm.plan import reasons
from farm.plan.bound import weigh
from farm.plan.jobs import NOBODY_ALIKE, Alike, Expect, Job, Key, Placement, Running, Schedule, Seat, Skip
from farm.plan.order import Order, order
from farm.plan.placing import Placing
from farm.plan.pools import Choices, Pools
from farm.platforms import Platform

# Some tenths of a second, and a second for ten thousand jobs.
PLACINGS = 4000


def schedule(
    jobs: Sequence[Job],
    seats: Mapping[str, Seat],
    expect: Expect,
    *,
    alike: Alike = NOBODY_ALIKE,
    running: Sequence[Running] = (),
    now: float = 0.0,
    placings: int = PLACINGS,
) -> Schedule:
    """Place every job on the node where it is expected to end first, those first that most depends upon.

    That is HEFT (Topcuoglu, Hariri and Wu, 2002): upward ranks, then the earliest finish with gaps filled. A warm cache
    needs no rule of its own: a node that has it takes less time, and wins unless waiting for it takes more. Of several
    schedules that weigh work against time, the one whose last job ends first is taken.

    `running` are jobs that hold slots and memory already at `now`, in seconds from the run's start; they are not
    placed again, and whoever needs them waits for them. A need that is neither in `jobs` nor in `running` is there
    already. `placings` is how many jobs are placed in all tries together; one try is always made. Raises ValueError
    where two jobs have one key.
    """
    if len({job.key for job in jobs}) < len(jobs):
        raise ValueError("two jobs with one key")
    pools = Pools(jobs, seats, expect, alike)
    choices = {job.key: pools.choices(job) for job in jobs}
    fastest = {key: choice.fastest for key, choice in choices.items()}
    found = order(jobs, fastest)
    skipped = _skipped(found, choices, seats)
    if skipped:
        found = order([job for job in found.jobs if job.key not in skipped], fastest)
    weighed = weigh(found.jobs, choices, longest=max(found.ranks.values(), default=0.0))
    placing = Placing(
        pools=pools, choices=choices, weighed=weighed, order=found, running=running, now=now, placings=placings
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
        for job, (winner, *others) in placing.best().placed
    ]
    return Schedule(
        placements=tuple(sorted(placements, key=lambda each: (each.start, each.node, each.key))),
        skipped=tuple(Skip(key=key, reason=skipped[key]) for key in sorted(skipped)),
        bound=weighed.bound,
    )


def _skipped(found: Order, choices: Mapping[Key, Choices], seats: Mapping[str, Seat]) -> dict[Key, str]:
    """The jobs that cannot be built, and why."""
    skipped = {
        key: f"it needs itself: {' needs '.join(each.target for each in circle)}"
        for key, circle in found.circles.items()
    }
    skipped |= {key: _lacks(need, key.platform) for key, need in found.stuck.items()}
    for job in found.jobs:
        if reason := _why_not(job, choices[job.key], seats, skipped):
            skipped[job.key] = reason
    return skipped


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
