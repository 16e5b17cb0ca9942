"""`farm plan`: probe and plan, and stop there."""

from __future__ import annotations

from collections.abc import Mapping

from farm.inventory import Inventory
from farm.nodes.facts import Facts, Unreachable
from farm.plan import planner
from farm.plan.planner import Plan
from farm.report.events import Event
from farm.workflow.request import Request
from farm.workflow.survey import select, surveyed


async def preview(request: Request, *, inventory: Inventory) -> tuple[Plan, Mapping[str, Facts | Unreachable]]:
    """Say who would build what, and what every node answered. Raises what the planner raises."""
    nodes = select(inventory.nodes, request.only, request.excluded)
    async with surveyed(nodes, _ignore) as survey:
        platforms = request.spec.platforms or planner.default_platforms(nodes, survey.answers)
        plan = planner.plan(platforms, nodes, survey.answers, allow_emulation=request.allow_emulation)
    return plan, survey.answers


def _ignore(_event: Event) -> None:
    """The plan itself says all."""
