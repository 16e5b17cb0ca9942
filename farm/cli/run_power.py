"""What `farm power` does once its flags are read."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import click

from farm.cli.drive import drive
from farm.cli.json_error import told_as_json
from farm.cli.tell_error import tell_error
from farm.errors import Exit
from farm.report import plain, words
from farm.report.report import error_document
from farm.workflow.switch import Switched, switch

_DONE = {"wake": "awake", "cycle": "cycled and back", "off": "off"}


def power(flags: Mapping[str, Any]) -> Exit:
    """Do it, say what became of each node, and give back the code of the worst."""
    from farm.cli import loading
    from farm.workflow.survey import select

    with told_as_json(document=flags["as_json"]):
        nodes = select(loading.inventory(flags["inventory"]).nodes, flags["nodes"], ())
        done = drive(switch(nodes, flags["action"], force=flags["force"], emit=plain.Plain(sys.stderr)))
    if flags["as_json"]:
        click.echo(json.dumps({"nodes": [_document(each, flags["action"]) for each in done]}, indent=2))
    for each in done:
        if each.error is not None:
            tell_error(each.error)
        elif not flags["as_json"]:
            how = "was awake already" if each.was_awake else f"{_DONE[flags['action']]} ({words.seconds(each.seconds)})"
            click.echo(f"{each.node}: {how}")
    return max((each.exit_code for each in done), default=Exit.DONE)


def _document(done: Switched, action: str) -> dict[str, Any]:
    return {
        "node": done.node,
        "action": action,
        "seconds": round(done.seconds, 3),
        "was_awake": done.was_awake,
        "error": error_document(done.error),
    }
