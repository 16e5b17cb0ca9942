"""`farm plan`: probe and plan, and stop there."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from farm.errors import UnreachableError
from farm.inventory import Inventory
from farm.nodes.facts import Facts, Unreachable
from farm.plan import doubles, planner
from farm.plan.planner import Plan
from farm.plan.waking import to_wake
from farm.report.events import Event
from farm.workflow import prepare
from farm.workflow.destination import destination
from farm.workflow.request import Request
from farm.workflow.survey import select, surveyed
from farm.workflow.together import both


async def preview(request: Request, *, inventory: Inventory) -> tuple[Plan, Mapping[str, Facts | Unreachable]]:
    """Say who would build what, and what every node answered.

    Raises what the planner raises, and UsageError for a context that could not be built or tags that could not be
    pushed: a plan for it would be a lie.
    """
    (spec,) = (target.spec for target in request.targets)
    nodes = select(inventory.nodes, request.only, request.excluded)
    destination(spec, inventory)
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="farm-")))
        survey, _ = await both(
            stack.enter_async_context(surveyed(nodes, _ignore)),
            prepare.fetch(spec, folder / "source", _ignore, proxy=inventory.proxy),
        )
        apart = doubles.singled(nodes, survey.answers)
        nodes, survey = apart.nodes, survey.of(apart.nodes)
        try:
            platforms = spec.platforms or planner.default_platforms(
                nodes, survey.answers, optional=request.allow_missing
            )
            plan = planner.plan(
                platforms,
                nodes,
                survey.answers,
                allow_emulation=request.allow_emulation,
                optional=request.allow_missing,
            )
        except UnreachableError as error:
            asleep = to_wake(spec.platforms, nodes, survey.answers)
            if not asleep:
                raise
            fix = f"`farm build` wakes what it needs: {', '.join(asleep)}"
            raise UnreachableError(error.what, fix=fix, details=error.details) from error
    return replace(plan, warnings=apart.warnings), survey.answers


def _ignore(_event: Event) -> None:
    """The plan itself says all."""
