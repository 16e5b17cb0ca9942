"""What a run of these targets would do, told before anything is built. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from types import MappingProxyType

from farm.errors import DependencyError, FarmError, UnreachableError
from farm.history.strikes import Strike
from farm.inventory.nodes import Node
from farm.nodes.facts import Facts, Unreachable
from farm.plan import matrix, planner
from farm.plan.estimate import Estimates
from farm.plan.jobs import Job, Key, Placement, Schedule, Skip
from farm.plan.planner import Assignment, Plan
from farm.plan.schedule import schedule
from farm.plan.seats import seats
from farm.plan.waking import to_wake
from farm.platforms import Platform
from farm.sources.targets import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """`plans` has each target's nodes by its name, `refused` what cannot be built and why, `schedule` all the jobs."""

    plans: Mapping[str, Plan]
    refused: Mapping[str, FarmError]
    schedule: Schedule


def forecast(
    targets: Sequence[Target],
    nodes: Mapping[str, Node],
    answers: Mapping[str, Facts | Unreachable],
    estimates: Estimates,
    *,
    refused: Mapping[str, FarmError] = MappingProxyType({}),
    peaks: Mapping[tuple[str, Platform], int] = MappingProxyType({}),
    resting: Mapping[str, Strike] = MappingProxyType({}),
    drained: Mapping[str, str] = MappingProxyType({}),
    allow_emulation: bool = False,
    optional: Collection[Platform] = (),
) -> Forecast:
    """Plan every target, and schedule their jobs; `refused` ones take along what builds on them.

    `peaks` is the most memory that a target's platform was seen to take, in bytes, by the target's name.
    """
    refusals, plans, jobs = dict(refused), dict[str, Plan](), list[Job]()
    usable = [name for name, answer in answers.items() if isinstance(answer, Facts)]
    by_name = {target.name: target for target in targets}
    # A target comes after those that it builds on.
    for name in TopologicalSorter({target.name: target.needs for target in targets}).static_order():
        target = by_name[name]
        try:
            if name in refusals:
                continue
            if gone := next((need for need in target.needs if need in refusals), None):
                raise DependencyError(gone, refusals[gone])
            plan = _plan(target, nodes, answers, resting, allow_emulation=allow_emulation, optional=optional)
            jobs += matrix.jobs(
                target,
                plan.assignments,
                usable=usable,
                platforms={need: [each.platform for each in plans[need].assignments] for need in target.needs},
                peaks={platform: peak for (whose, platform), peak in peaks.items() if whose == name},
            )
            plans[name] = plan
        except FarmError as error:
            refusals[name] = error
    made = schedule(
        jobs, seats(nodes, answers, resting=resting, drained=drained), estimates.expect, alike=estimates.alike
    )
    made = replace(made, skipped=(*made.skipped, *_left_out(plans, optional)))
    places = {placement.key: placement for placement in made.placements}
    return Forecast(
        plans={
            target.name: replace(
                plans[target.name],
                assignments=tuple(
                    _as_scheduled(assignment, places.get(Key(target.name, assignment.platform)))
                    for assignment in plans[target.name].assignments
                ),
            )
            for target in targets
            if target.name in plans
        },
        refused={target.name: refusals[target.name] for target in targets if target.name in refusals},
        schedule=made,
    )


def _plan(
    target: Target,
    nodes: Mapping[str, Node],
    answers: Mapping[str, Facts | Unreachable],
    resting: Mapping[str, Strike],
    *,
    allow_emulation: bool,
    optional: Collection[Platform],
) -> Plan:
    wanted = target.spec.platforms
    try:
        return planner.plan(
            wanted or planner.default_platforms(nodes, answers, optional=optional),
            nodes,
            answers,
            allow_emulation=allow_emulation,
            resting=resting,
            optional=optional,
        )
    except UnreachableError as error:
        asleep = to_wake(wanted, nodes, answers)
        if not asleep:
            raise
        fix = f"`farm build` wakes what it needs: {', '.join(asleep)}"
        raise UnreachableError(error.what, fix=fix, details=error.details) from error


def _left_out(plans: Mapping[str, Plan], optional: Collection[Platform]) -> Iterator[Skip]:
    for name, plan in plans.items():
        for platform in sorted(set(optional) - {assignment.platform for assignment in plan.assignments}):
            yield Skip(key=Key(name, platform), reason="no node that answers builds it, and the image may lack it")


def _as_scheduled(assignment: Assignment, place: Placement | None) -> Assignment:
    """The assignment with the node that the schedule has chosen, among the other targets' jobs."""
    if place is None:
        return assignment
    order = dict.fromkeys(
        (place.node, *(other.node for other in place.runners_up), assignment.node, *assignment.standbys)
    )
    is_known = place.expected.basis != "guess" and bool(place.runners_up)
    says_more = place.node != assignment.node or is_known
    return replace(
        assignment,
        node=place.node,
        standbys=tuple(name for name in order if name != place.node),
        reason=place.reason if says_more and not assignment.emulated else assignment.reason,
    )
