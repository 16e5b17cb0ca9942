"""`farm build`: one target, or many at the same time over the same nodes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from farm.errors import FarmError
from farm.inventory import Inventory
from farm.report.events import Emit, Event, OfTarget, RunStarted, Warned
from farm.report.report import Report
from farm.report.run_report import RunReport
from farm.sources import giturl, target
from farm.sources.targets import Target
from farm.workflow import journal as journals
from farm.workflow import workshop
from farm.workflow.crew import Crew
from farm.workflow.dispatcher import Dispatcher
from farm.workflow.journal import Chronicle, Journal
from farm.workflow.line import INTERRUPTED, Line
from farm.workflow.outlook import Outlook
from farm.workflow.request import Request
from farm.workflow.run import Run, state_home
from farm.workflow.survey import select
from farm.workflow.together import together

# So many targets are named where a run begins; fifty would fill the screen.
_NAMED = 6


@dataclass(slots=True)
class _Opened:
    """What has been opened for the run: it is asked at the end what it did, also where an error was that end."""

    crew: Crew | None = None
    dispatcher: Dispatcher | None = None


async def build(request: Request, *, inventory: Inventory, run: Run, emit: Emit) -> RunReport:
    """Build all targets; what goes wrong stands in the report of each, beside all that went well before it.

    Raises FarmError where the folders of a target cannot be made.
    """
    began = time.monotonic()
    warnings: list[str] = []

    def tell(event: Event) -> None:
        if isinstance(event, Warned):
            warnings.append(event.message)
        emit(event)

    tell(RunStarted(run=run.id, logs=str(run.logs), target=_words(request)))
    opened = _Opened()
    with journals.opened(state_home() / "history.db", emit=tell) as chronicle:
        is_alone = len(request.targets) + len(request.refused) == 1
        lines = [_line(each, run, chronicle, tell, is_alone=is_alone) for each in request.targets]
        try:
            await _build(lines, request, inventory, run, chronicle, tell, opened)
        except FarmError as error:
            for line in lines:
                line.end(error)
        except asyncio.CancelledError:
            for line in lines:
                if not line.has_ended:
                    line.end(INTERRUPTED)
    power = opened.crew.power if opened.crew else ()
    reports = (
        *(line.report(power=power, warnings=warnings) if is_alone else line.report() for line in lines),
        *(_refused(name, error, run) for name, error in request.refused.items()),
    )
    return RunReport(
        run=run.id,
        logs=str(run.logs),
        reports=reports,
        seconds=time.monotonic() - began,
        courses=opened.dispatcher.courses() if opened.dispatcher else (),
        missing={name: error for report in reports for name, error in report.missing.items()},
        power=tuple(power),
        warnings=tuple(warnings),
    )


def _refused(name: str, error: FarmError, run: Run) -> Report:
    """The report of a target that could not even begin."""
    return Report(
        run=run.id,
        logs=str(run.logs),
        target=name,
        references=(),
        index=None,
        output=None,
        outcomes=(),
        stages={},
        seconds=0.0,
        missing={},
        error=error,
        name=name,
    )


def _words(request: Request) -> str:
    names = [*(each.name for each in request.targets), *request.refused]
    if len(names) != 1 or request.refused:
        more = len(names) - _NAMED
        return ", ".join(names) if more <= 0 else f"{', '.join(names[:_NAMED])} and {more} more"
    spec = request.targets[0].spec
    return ", ".join(spec.tags) or giturl.without_login(spec.context)


def _line(each: Target, run: Run, chronicle: Chronicle, tell: Emit, *, is_alone: bool) -> Line:
    """The line of one target; of several each has folders and a row in the history of its own."""
    journal = Journal(
        chronicle,
        run=run.id,
        name=each.name,
        target=target.name(each.spec),
        references=each.spec.tags,
    )
    if is_alone:
        return Line(each, part=run, journal=journal, emit=tell, is_alone=True)

    def of_target(event: Event) -> None:
        tell(OfTarget(target=each.name, event=event))

    return Line(each, part=run.of(each.name), journal=journal, emit=of_target, is_alone=False)


async def _build(
    lines: Sequence[Line],
    request: Request,
    inventory: Inventory,
    run: Run,
    chronicle: Chronicle,
    tell: Emit,
    opened: _Opened,
) -> None:
    """Let every line go. Raises FarmError for what ends them all."""
    nodes = select(inventory.nodes, request.only, request.excluded)
    needed = {need for each in request.targets for need in each.needs}
    for line in lines:
        line.check(inventory, nodes, is_needed=line.target.name in needed)
    if all(line.has_ended for line in lines):
        return
    # Where nothing may start yet, nobody is woken either.
    await request.gate.opened()
    others = {line.target.name: line for line in lines}
    names = {each.name: target.name(each.spec) for each in request.targets}
    async with workshop.opened(
        request, inventory=inventory, nodes=nodes, run=run, chronicle=chronicle, emit=tell
    ) as shop:
        outlook = Outlook(shop.crew, chronicle, names)
        opened.crew = shop.crew
        async with Dispatcher(names, outlook, duplicates=request.duplicates_stragglers) as dispatcher:
            opened.dispatcher = dispatcher
            await together(line.go(shop, dispatcher, outlook, others) for line in lines)
