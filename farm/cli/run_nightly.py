"""What `farm nightly` and `farm due` do once their flags are read."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Mapping
from typing import Any

import click

from farm.cli import due_table, observer
from farm.cli.drive import drive
from farm.cli.json_error import told_as_json
from farm.cli.tell_error import tell_error
from farm.errors import Exit, UsageError
from farm.inventory import Inventory
from farm.nightly.clock import SystemClock
from farm.nightly.decided import Asked, Tools, decided
from farm.report import plain, words
from farm.report.events import Emit, Event, Warned


def due(flags: Mapping[str, Any]) -> Exit:
    """Print what is due and why; 4 where something could not be looked at."""
    with told_as_json(document=flags["as_json"]):
        inventory = _inventory(flags)
        plan = drive(decided(_asked(flags), inventory=inventory, tools=_tools(_warnings)))
    if flags["as_json"]:
        click.echo(json.dumps(due_table.document(plan.decisions), indent=2))
    else:
        due_table.show(plan.decisions, sys.stdout)
    return Exit.UNREACHABLE if any(decision.error for decision in plan.decisions) else Exit.DONE


def nightly(flags: Mapping[str, Any]) -> Exit:
    """Do the whole night, show it, and give back its exit code."""
    from farm.nightly.whole import whole_night

    progress = observer.progress(flags["progress"])
    with told_as_json(document=flags["as_json"], event=progress == "json"):
        inventory = _inventory(flags)
        with observer.watching(progress) as emit:
            jitter = random.uniform(0, flags["jitter"]) if flags["jitter"] else 0.0  # noqa: S311 - nobody guesses it
            if jitter:
                emit(Warned(message=f"the night begins in {words.seconds(jitter)}"))
            done = drive(
                whole_night(_asked(flags), inventory=inventory, tools=_tools(emit), after=jitter),
                last_resort=lambda: observer.give_up(progress),
            )
    if flags["as_json"]:
        click.echo(json.dumps(done.document(), indent=2))
    else:
        from farm.cli import night_summary

        night_summary.show(done, sys.stdout)
    for name, report in done.reports.items():
        if report.error is not None and not flags["as_json"]:
            tell_error(report.error, report.logs, targets=(name,))
    return Exit(done.exit_code)


def _inventory(flags: Mapping[str, Any]) -> Inventory:
    from farm.cli import loading

    inventory = loading.inventory(flags["inventory"])
    if not inventory.images:
        raise UsageError(
            f"{inventory.source}: there are no images to look at",
            fix='describe them under `images:` there; the README shows how under "Every night"',
        )
    return inventory


def _asked(flags: Mapping[str, Any]) -> Asked:
    from farm.workflow.request import Request

    return Asked(
        names=flags["images"],
        is_forced=flags["force"],
        is_triggered=flags["triggered"],
        deadline=flags.get("deadline"),
        moves_identical=flags.get("move_identical", False),
        request=Request(
            targets=(),
            only=flags.get("only", ()),
            excluded=flags.get("excluded", ()),
            retries=flags.get("retries"),
        ),
    )


def _tools(emit: Emit) -> Tools:
    from farm.workflow.run import started, state_home

    return Tools(clock=SystemClock(), started=started, emit=emit, state=state_home())


def _warnings(event: Event) -> None:
    if isinstance(event, Warned):
        plain.Plain(sys.stderr)(event)
