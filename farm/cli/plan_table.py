"""A plan as a table and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TextIO

from farm.nodes.facts import Facts, Unreachable
from farm.plan.planner import Plan
from farm.report import terminal
from farm.report.plain import clean


def show(plan: Plan, answers: Mapping[str, Facts | Unreachable], stream: TextIO) -> None:
    """Print who would build what and why, then the nodes that are left out and why."""

    console = terminal.console(stream)
    table = terminal.table("PLATFORM", "NODE", "STANDBYS", "WHY")
    for assignment in plan.assignments:
        table.add_row(
            str(assignment.platform), assignment.node, ", ".join(assignment.standbys) or "-", clean(assignment.reason)
        )
    console.print(table)
    for missing in plan.missing:
        console.print(f"away: {clean(missing.error.what)}", style="yellow", soft_wrap=True)
    for warning in plan.warnings:
        console.print(f"warning: {clean(warning)}", style="yellow", soft_wrap=True)
    used = {name for a in plan.assignments for name in (a.node, *a.standbys)}
    if idle := sorted(set(answers) - used - {missing.node for missing in plan.missing}):
        console.print(f"not needed: {', '.join(idle)}", style="dim")


def document(plan: Plan, answers: Mapping[str, Facts | Unreachable]) -> dict[str, Any]:
    """The plan for scripts; keys are stable."""
    return {
        "platforms": [
            {
                "platform": str(assignment.platform),
                "node": assignment.node,
                "standbys": list(assignment.standbys),
                "reason": assignment.reason,
                "emulated": assignment.emulated,
            }
            for assignment in plan.assignments
        ],
        "missing_nodes": {missing.node: missing.error.what for missing in plan.missing},
        "warnings": list(plan.warnings),
        "nodes": {
            name: [str(platform) for platform in answer.native]
            for name, answer in answers.items()
            if isinstance(answer, Facts)
        },
    }
