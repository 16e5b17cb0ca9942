"""`farm plan`: probe and plan, and stop there."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from farm.errors import Exit, FarmError
from farm.history.speeds import speeds
from farm.inventory import Inventory
from farm.nodes.facts import Facts, Unreachable
from farm.plan import doubles
from farm.plan.estimate import estimates
from farm.plan.forecast import forecast
from farm.plan.jobs import Schedule
from farm.plan.planner import Plan
from farm.report.events import Event
from farm.report.run_report import worst
from farm.sources import target as names
from farm.sources.targets import Target
from farm.workflow import conditions, journal
from farm.workflow.contexts import Contexts
from farm.workflow.journal import Chronicle
from farm.workflow.marks import marked
from farm.workflow.ready import checked
from farm.workflow.request import Request
from farm.workflow.run import state_home
from farm.workflow.survey import Survey, select, surveyed
from farm.workflow.together import both, together


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Who would build what and when (see Forecast), what every node said, and what stops nothing."""

    plans: Mapping[str, Plan]
    refused: Mapping[str, FarmError]
    schedule: Schedule
    answers: Mapping[str, Facts | Unreachable]
    warnings: tuple[str, ...]

    @property
    def exit_code(self) -> Exit:
        """The worst of the refused targets' exit codes."""
        return worst(error.exit_code for error in self.refused.values())


async def preview(request: Request, *, inventory: Inventory) -> Preview:
    """Say who would build what and when, as a run would begin; what earlier runs have built already is not asked.

    Raises UsageError for a node that there is not. The error of a run's
    only target is raised, that of one of several is kept.
    """
    targets = request.targets
    nodes = select(inventory.nodes, request.only, request.excluded)
    refused = dict(request.refused)
    is_only = len(targets) + len(refused) == 1
    for target in targets:
        with _kept(target, refused, is_only=is_only):
            checked(target, inventory, nodes)
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="farm-")))
        contexts = await stack.enter_async_context(Contexts(folder, proxy=inventory.proxy))

        async def fetch(target: Target) -> None:
            with _kept(target, refused, is_only=is_only):
                await contexts.of(target.spec, _ignore)

        survey, _ = await both(
            stack.enter_async_context(surveyed(nodes, _ignore)),
            together(fetch(target) for target in targets if target.name not in refused),
        )
        apart = doubles.singled(nodes, survey.answers)
        survey = survey.of(apart.nodes)
        with _remembered() as chronicle:
            kept = {target.name: names.name(target.spec) for target in targets}
            learned = chronicle.learned()
            if not is_only:
                learned = await marked(learned, survey.reached, chronicle.ask)
            found = forecast(
                targets,
                apart.nodes,
                survey.answers,
                estimates(learned, speeds(learned), apart.nodes, now=datetime.now(UTC), names=kept),
                refused=refused,
                peaks={
                    (name, platform): peak
                    for name in kept
                    for (whose, platform), peak in learned.peaks.items()
                    if whose == kept[name]
                },
                resting=chronicle.resting(),
                drained=await _drained(survey),
                allow_emulation=request.allow_emulation,
                optional=request.allow_missing,
            )
    if is_only:
        for error in found.refused.values():
            raise error
    return Preview(
        plans=found.plans,
        refused={**request.refused, **found.refused},
        schedule=found.schedule,
        answers=survey.answers,
        warnings=apart.warnings,
    )


@contextlib.contextmanager
def _kept(target: Target, refused: dict[str, FarmError], *, is_only: bool) -> Iterator[None]:
    """Keep a target's error, so that the others are planned; that of a run's only target is raised at once."""
    try:
        yield
    except FarmError as error:
        if is_only:
            raise
        refused[target.name] = error


@contextlib.contextmanager
def _remembered() -> Iterator[Chronicle]:
    """The history, if there is one: a plan must not begin it."""
    path = state_home() / "history.db"
    if not path.exists():
        yield Chronicle(None, _ignore)
        return
    with journal.opened(path, emit=_ignore) as chronicle:
        yield chronicle


async def _drained(survey: Survey) -> dict[str, str]:
    """The nodes that a run would leave alone at first, each with the reason."""
    known = {name: found.node for name, found in survey.reached.items()}
    async with conditions.watched(known, survey.reached.get, _ignore) as nodes:
        return {name: reason for name in survey.reached if (reason := nodes.drained(name))}


def _ignore(_event: Event) -> None:
    """The plan itself says all."""
