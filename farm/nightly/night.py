"""`farm nightly`: look, decide, build what is due, try again what may pass, clean up, tell. One straight line."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from farm.errors import Exit, FarmError, InterruptedRunError
from farm.inventory import Inventory
from farm.nightly import account, housekeeping, ledger, spool
from farm.nightly.attendance import Attendance
from farm.nightly.decided import Asked, Plan, Tools, decided
from farm.nightly.doors import Doors
from farm.nightly.due import Decision
from farm.nightly.hours import Hours
from farm.nightly.ledger import Ledger
from farm.nightly.trigger import DIUN
from farm.nightly.wishes import settled
from farm.notify.night import Night, Told
from farm.plan.waking import can_wake
from farm.report import words
from farm.report.events import Decided, Emit, OfTarget, Warned
from farm.report.report import Report
from farm.report.run_report import RunReport, worst
from farm.sources.targets import Target, image_name, with_needs
from farm.workflow import build as workflow
from farm.workflow.survey import select

PAUSES = (300.0, 600.0, 1200.0)
"""Seconds before each further try at what may pass: a router that restarts is back after some minutes."""

_FIRST = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a night has come to: what is told, the last report of each target that was built, and every run."""

    night: Night
    decisions: tuple[Decision, ...]
    reports: Mapping[str, Report]
    runs: tuple[RunReport, ...]
    exit_code: int

    def document(self) -> dict[str, Any]:
        """The night for scripts; keys are stable, new ones may be added."""
        return {
            "exit_code": self.exit_code,
            "started": self.night.started.isoformat(timespec="seconds"),
            "seconds": round(self.night.seconds, 3),
            "images": [
                {
                    "image": image.name,
                    "state": image.state,
                    "why": image.why,
                    "seconds": round(image.seconds, 3),
                    "references": list(image.references),
                    "absent_platforms": list(image.absent),
                    "report": self.reports[image.name].document() if image.name in self.reports else None,
                }
                for image in self.night.images
            ],
            "runs": [run.run for run in self.runs],
            "missing_nodes": {node.node: node.why for node in self.night.missing},
            "warnings": list(self.night.warnings),
        }


async def night(asked: Asked, *, inventory: Inventory, tools: Tools) -> Done:
    """The whole night; what goes wrong with one image stands in that image's report."""
    began, started = tools.clock.elapsed(), tools.clock.now()
    deadline = asked.deadline if asked.deadline is not None else inventory.nightly.deadline
    doors = Doors(Hours(deadline=deadline, quiet=inventory.nightly.quiet), tools.clock, began=began, emit=tools.emit)
    earlier = ledger.read(tools.state / "nights")
    attendance = Attendance(tools.emit)
    tools = replace(tools, emit=attendance)
    plan = await decided(asked, inventory=inventory, tools=tools)
    _tell(plan.decisions, tools.emit)
    decisions = {decision.target: decision for decision in plan.decisions}
    reports: dict[str, Report] = {}
    runs: list[RunReport] = []
    nodes = select(inventory.nodes, asked.request.only, asked.request.excluded)
    tidied = inventory.housekeeping if inventory.housekeeping and inventory.housekeeping.nightly else None
    if tidied and any(_is_open(decision, reports) for decision in decisions.values()):
        await housekeeping.make_room(tidied, nodes, inventory=inventory, tools=tools)
    for pause in (*PAUSES, None):
        due = [decision for decision in decisions.values() if _is_open(decision, reports)]
        if due:
            runs.append(await _pass(due, decisions, plan, asked, earlier, doors, inventory=inventory, tools=tools))
            reports |= {report.name: report for report in runs[-1].reports}
        left = _left(decisions, reports)
        if not left or pause is None or doors.are_closed:
            break
        tools.emit(Warned(message=f"{', '.join(left)}: tried again in {words.seconds(pause)}"))
        await tools.clock.sleep(pause)
        # By image: a ref may have gone meanwhile, and of an image that was not there the refs are known only now.
        names = tuple(dict.fromkeys(image_name(name) for name in left))
        again = await decided(replace(asked, names=names), inventory=inventory, tools=tools)
        renewed = _renewed(decisions, left, again.decisions)
        _tell([decision for name, decision in renewed.items() if decision is not decisions.get(name)], tools.emit)
        decisions, plan = renewed, _with(plan, again)
        for name in left:
            reports.pop(name, None)
    images = account.images(tuple(decisions.values()), reports, earlier)
    _settle(plan, images, tools)
    # A night without news leaves the boards asleep.
    short = await housekeeping.tidy(tidied, nodes, inventory=inventory, tools=tools) if tidied and runs else {}
    if not housekeeping.watches_disks(tidied):
        short = housekeeping.of_nodes(attendance.free)
    sleepers = {name for name, node in nodes.items() if can_wake(node)}
    away = attendance.missing(runs[-1].missing if runs else {}, sleepers)
    told = Night(
        started=started,
        seconds=tools.clock.elapsed() - began,
        coordinator=socket.gethostname(),
        images=images,
        missing=account.missing(away, earlier, started),
        back=account.back(away, attendance.asked, earlier),
        asked=tuple(sorted(attendance.asked)),
        short=account.short(short | housekeeping.of_coordinator(tools.state), earlier),
        warnings=tuple(dict.fromkeys(warning for run in runs for warning in run.warnings)),
        run=runs[0].run if runs else None,
        logs=runs[0].logs if runs else None,
    )
    codes = [report.exit_code for report in reports.values()]
    codes += [decision.error.exit_code for decision in decisions.values() if decision.error]
    return Done(
        night=told,
        decisions=tuple(decisions.values()),
        reports=reports,
        runs=tuple(runs),
        exit_code=int(worst(codes)),
    )


async def _pass(
    due: Sequence[Decision],
    decisions: Mapping[str, Decision],
    plan: Plan,
    asked: Asked,
    earlier: Ledger,
    doors: Doors,
    *,
    inventory: Inventory,
    tools: Tools,
) -> RunReport:
    """Build what is due, in one run."""
    names = with_needs((decision.target for decision in due), lambda name: plan.targets[name].needs)
    targets = [target for name, target in plan.targets.items() if name in names]
    request = replace(
        asked.request,
        targets=tuple(_first(target) if earlier.was_postponed(target.name) else target for target in targets),
        kept={name: decisions[name].kept for name in names if name in decisions and decisions[name].kept},
        moves_identical=asked.moves_identical or inventory.nightly.moves_identical,
        gate=doors,
    )
    with tools.started() as run:
        report = await workflow.build(request, inventory=inventory, run=run, emit=tools.emit)
    if report.exit_code is Exit.INTERRUPTED:
        # What has ended well is remembered, all else is due in the next night. This one has no time for anything more.
        raise InterruptedRunError("the night was interrupted", fix="the next one goes on where this one was")
    return report


def _renewed(decisions: Mapping[str, Decision], left: Sequence[str], again: Sequence[Decision]) -> dict[str, Decision]:
    """The decisions, in their order, those for what was `left` taken anew; a ref that has gone has none any more."""
    found: dict[str, Decision] = {}
    for name, decision in decisions.items():
        if name not in left:
            found[name] = decision
        else:
            found |= {each.target: each for each in again if name in (each.target, image_name(each.target))}
    return found


def _with(plan: Plan, again: Plan) -> Plan:
    wishes = {wish.waiting.file: wish for wish in (*plan.wishes, *again.wishes)}
    return replace(plan, targets={**plan.targets, **again.targets}, wishes=tuple(wishes.values()))


def _settle(plan: Plan, images: Sequence[Told], tools: Tools) -> None:
    """Take away the wishes that are fulfilled; the others wait for the next night, but not for ever."""
    made = settled(plan.wishes, {image.name: image.state for image in images}, is_all_seen=plan.is_all_seen)
    spool.remove(made.fulfilled)
    for wish in plan.wishes:
        # Diun watches much that is not built here; a person who asks for something means it.
        if not wish.targets and wish.waiting in made.fulfilled and wish.waiting.trigger.by != DIUN:
            tools.emit(Warned(message=f"no image is {wish.waiting.trigger.words}: check its spelling"))
    for each in spool.try_again(made.failed):
        tools.emit(Warned(message=f"given up after {spool.TRIES} nights: {each.trigger.words}"))


def _first(target: Target) -> Target:
    """What the last night did not get to comes before all else."""
    return replace(target, priority=target.priority + _FIRST)


def _is_open(decision: Decision, reports: Mapping[str, Report]) -> bool:
    return decision.error is None and decision.is_due and decision.target not in reports


def _left(decisions: Mapping[str, Decision], reports: Mapping[str, Report]) -> list[str]:
    """What is worth another try tonight."""
    return [
        name
        for name, decision in decisions.items()
        if (decision.error is not None and account.is_worth_another_look(decision.error))
        or (name in reports and account.may_pass(reports[name]))
    ]


def _tell(decisions: Sequence[Decision], emit: Emit) -> None:
    for decision in decisions:
        emit(OfTarget(target=decision.target, event=Decided(verdict=decision.verdict, why=decision.why)))


def write_down(done: Done, tools: Tools) -> None:
    """Remember the night for the next one; a full disk must not make a good night a bad one."""
    with contextlib.suppress(OSError, FarmError):
        ledger.write(tools.state / "nights", done.night)
