"""What `farm notify` does once its flags are read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from farm.cli import loading
from farm.cli.drive import drive
from farm.cli.json_error import told_as_json
from farm.errors import Exit, UsageError
from farm.inventory import Notify
from farm.inventory.proxies import environment
from farm.notify import services, switch
from farm.notify.message import TEST
from farm.notify.problem import Problem


def run(flags: Mapping[str, Any]) -> Exit:
    """Tell everybody, say who could not be told, and give back the exit code."""
    with told_as_json(document=flags["as_json"]):
        inventory = loading.inventory(flags["inventory"])
        notify = inventory.notify
        if notify is None or not (notify.urls or notify.ping):
            raise UsageError(f"{inventory.source} names nobody to tell", fix="write them down under `notify:`")
        problems = drive(_tell(notify, environment(inventory.proxy)))
    count = len(notify.urls) + bool(notify.ping)
    if flags["as_json"]:
        told = {"told": count - len(problems), "problems": [str(problem) for problem in problems]}
        click.echo(json.dumps(told, indent=2))
    else:
        click.echo(f"told {count - len(problems)} of {count}")
        for problem in problems:
            click.echo(f"warning: {problem}", err=True)
    return Exit.UNREACHABLE if problems else Exit.DONE


async def _tell(notify: Notify, variables: Mapping[str, str]) -> list[Problem]:
    problems = list(await services.send(notify, TEST, variables=variables))
    if notify.ping:
        begun = await switch.ping(notify.ping, "start", within=notify.within, variables=variables)
        ended = begun or await switch.ping(notify.ping, "success", TEST.body, within=notify.within, variables=variables)
        problems += [ended] if ended else []
    return problems
