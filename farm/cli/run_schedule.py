"""What `farm schedule` does once its flags are read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from farm.cli import scheduled_job
from farm.cli.drive import drive
from farm.cli.json_error import told_as_json
from farm.cli.scheduled_job import FROM_FLAGS
from farm.errors import Exit, UsageError
from farm.inventory import locate
from farm.report import words
from farm.report.plain import clean
from farm.timer import schedule
from farm.timer.schedule import Account, Standing


def run(flags: Mapping[str, Any]) -> Exit:
    """Do what the action says, and give back the exit code."""
    with told_as_json(document=flags["as_json"]):
        account = scheduled_job.account(flags)
        if flags["action"] == "install":
            return drive(_install(flags, account))
        if flags["action"] == "remove":
            return drive(_remove(flags, account))
        return drive(_status(flags, account))


async def _install(flags: Mapping[str, Any], account: Account) -> Exit:
    source, inventory = scheduled_job.inventory(flags["inventory"] or locate(os.environ, Path.cwd()))
    job = scheduled_job.job(account, source, inventory, flags["at"])
    where = await schedule.choose(account, flags["where"])
    await schedule.check(job, where)
    if flags["dry_run"]:
        for place, text in schedule.texts(job, where, account).items():
            click.echo(f"# {place}\n{text}")
        return Exit.DONE
    changed = await schedule.install(job, where, account)
    standing = await schedule.look(where, account, datetime.now())
    findings = list(standing.findings)
    if not inventory.images:
        findings.append(f"{source} has no `images:` yet, and a night without any fails")
    if flags["as_json"]:
        click.echo(json.dumps({"changed": changed, **_document(standing), "findings": findings}, indent=2))
        return Exit.DONE
    said = "installed" if changed else "nothing to do, it is there already:"
    click.echo(f"{said} {schedule.WORDS[where]}: {standing.place}")
    _tell_next(standing, job.jitter)
    for finding in findings:
        click.echo(f"warning: {clean(finding)}", err=True)
    return Exit.DONE


async def _remove(flags: Mapping[str, Any], account: Account) -> Exit:
    there = await schedule.places(account)
    wanted = [flags["where"]] if flags["where"] else list(there)
    removed = []
    for where in wanted:
        if where not in there:
            continue
        if not flags["dry_run"]:
            await schedule.remove(where, account)
        removed.append(where)
    if flags["as_json"]:
        click.echo(json.dumps({"removed": {where: there[where] for where in removed}}, indent=2))
        return Exit.DONE
    for where in removed:
        click.echo(f"{'would remove' if flags['dry_run'] else 'removed'} {schedule.WORDS[where]}: {there[where]}")
    if not removed:
        click.echo("nothing to do, there is no schedule here")
    return Exit.DONE


async def _status(flags: Mapping[str, Any], account: Account) -> Exit:
    there = await schedule.places(account)
    now = datetime.now()
    standing = [await schedule.look(where, account, now) for where in there if flags["where"] in (None, where)]
    findings = [finding for each in standing for finding in each.findings]
    if not standing:
        findings.append("nothing starts `farm nightly`: farm schedule install")
    if len(standing) > 1:
        findings.append("there are two: farm schedule remove, with --system, --user or --cron")
    for each in standing:
        findings += _outdated(account, each)
    if flags["as_json"]:
        document = {"schedules": [_document(each) for each in standing], "findings": findings}
        click.echo(json.dumps(document, indent=2))
    else:
        for each in standing:
            _tell(each)
        for finding in findings:
            click.echo(f"warning: {clean(finding)}", err=True)
    return Exit.FINDINGS if findings else Exit.DONE


def _outdated(account: Account, standing: Standing) -> list[str]:
    """Whether the inventory says something else now than when it was installed."""
    if standing.source is None or standing.source == FROM_FLAGS:
        return []
    try:
        source, inventory = scheduled_job.inventory(Path(standing.source))
        is_current = schedule.is_current(standing, scheduled_job.job(account, source, inventory))
    except UsageError as error:
        return [error.what]
    return [] if is_current else [f"{source} says otherwise now: farm schedule install"]


def _tell(standing: Standing) -> None:
    state = standing.state
    click.echo(f"{schedule.WORDS[standing.where]}: {standing.place}")
    click.echo(
        f"  at    {', '.join(standing.at)} ({'as --at said' if standing.source == FROM_FLAGS else standing.source})"
    )
    _tell_next(standing, 0, "  next ")
    if state.is_running:
        click.echo("  now   it runs")
    if state.last:
        how = state.result if state.code is None else f"exit code {state.code}"
        click.echo(f"  last  {state.last:%a %Y-%m-%d %H:%M %Z}, {how}")
    click.echo(f"  log   {schedule.log(standing.where)}")


def _tell_next(standing: Standing, jitter: float, heading: str = "next run") -> None:
    if (when := standing.state.next) is None:
        click.echo(f"{heading} not known")
        return
    left = max((when - datetime.now(UTC)).total_seconds(), 0)
    later = f", put off by up to {words.seconds(jitter)}" if jitter and standing.where == "cron" else ""
    click.echo(f"{heading} {when:%a %Y-%m-%d %H:%M %Z}, in {words.seconds(left)}{later}")


def _document(standing: Standing) -> dict[str, Any]:
    """A schedule for scripts; keys stable."""
    state = standing.state
    return {
        "where": standing.where,
        "place": standing.place,
        "at": list(standing.at),
        "next": state.next.isoformat() if state.next else None,
        "last": state.last.isoformat() if state.last else None,
        "is_running": state.is_running,
        "result": state.result,
        "exit_code": state.code,
    }
