"""A plan as a table and as JSON: of one image where it is built, of several also when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

from farm.cli import jobs_table
from farm.nodes.facts import Facts, Unreachable
from farm.plan.jobs import Schedule
from farm.plan.planner import Plan
from farm.report import summary, terminal, words
from farm.report.plain import clean
from farm.report.report import error_document
from farm.workflow.preview import Preview

if TYPE_CHECKING:
    from rich.console import Console


def show(preview: Preview, stream: TextIO) -> None:
    """Print who would build what and why, then what is not built, and the nodes that are left out and why."""
    console = terminal.console(stream)
    if only := _only(preview):
        _one(only, preview.schedule, console)
    else:
        jobs_table.show(preview.schedule, stream)
    for name, error in preview.refused.items():
        first, *others = summary.error_lines(error, targets=(name,))
        console.print(first, style="red", soft_wrap=True)
        for line in others:
            console.print(line, soft_wrap=True)
    for missing in _missing(preview.plans):
        console.print(f"away: {clean(missing.error.what)}", style="yellow", soft_wrap=True)
    for warning in preview.warnings:
        console.print(f"warning: {clean(warning)}", style="yellow", soft_wrap=True)
    if idle := _idle(preview):
        console.print(f"not needed: {', '.join(idle)}", style="dim", soft_wrap=True)


def document(preview: Preview) -> dict[str, Any]:
    """The plan for scripts; keys are stable. Of the only image of a run its platforms stand by themselves."""
    only = _only(preview)
    return {
        **({"platforms": _platforms(only)} if only else {}),
        **jobs_table.document(preview.schedule),
        "refused": [{"target": name, **(error_document(error) or {})} for name, error in preview.refused.items()],
        "missing_nodes": {missing.node: missing.error.what for missing in _missing(preview.plans)},
        "warnings": list(preview.warnings),
        "nodes": {
            name: [str(platform) for platform in answer.native]
            for name, answer in preview.answers.items()
            if isinstance(answer, Facts)
        },
    }


def _only(preview: Preview) -> Plan | None:
    """The plan of an image that is alone; None where there are several."""
    return next(iter(preview.plans.values())) if len(preview.plans) == 1 and not preview.refused else None


def _one(plan: Plan, schedule: Schedule, console: Console) -> None:
    """The table of an image that has the farm to itself; times only where they are known."""
    places = {placement.key.platform: placement for placement in schedule.placements}
    is_known = any(placement.expected.basis != "guess" for placement in schedule.placements)
    table = terminal.table("PLATFORM", "NODE", "STANDBYS", *(["EXPECTED"] if is_known else []), "WHY")
    for assignment in plan.assignments:
        place = places.get(assignment.platform)
        expected = [jobs_table.told(place.expected) if place else "-"] if is_known else []
        table.add_row(
            str(assignment.platform),
            assignment.node,
            ", ".join(assignment.standbys) or "-",
            *expected,
            clean(assignment.reason),
        )
    console.print(table)
    for line in jobs_table.skipped(schedule):
        console.print(line, style="yellow", soft_wrap=True)
    if is_known:
        console.print(f"expected to take {words.seconds(schedule.makespan)}")


def _platforms(plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "platform": str(assignment.platform),
            "node": assignment.node,
            "standbys": list(assignment.standbys),
            "reason": assignment.reason,
            "emulated": assignment.emulated,
        }
        for assignment in plan.assignments
    ]


def _missing(plans: Mapping[str, Plan]) -> tuple[Unreachable, ...]:
    """Every node that did not answer, once."""
    return tuple({missing.node: missing for plan in plans.values() for missing in plan.missing}.values())


def _idle(preview: Preview) -> list[str]:
    """Nodes that answer and have no part in any plan; where times are planned, also those that get nothing to do."""
    missing = {node.node for node in _missing(preview.plans)}
    if only := _only(preview):
        used = {name for assignment in only.assignments for name in (assignment.node, *assignment.standbys)}
    else:
        used = {placement.node for placement in preview.schedule.placements}
    return sorted(set(preview.answers) - used - missing)
