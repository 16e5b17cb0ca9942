"""What `farm doctor` does once its flags are read."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import click

from farm.cli.drive import drive
from farm.cli.json_error import told_as_json
from farm.errors import Exit


def show(flags: Mapping[str, Any]) -> Exit:
    """Examine the nodes and this machine, and print what was found."""
    from farm.cli import findings, loading
    from farm.workflow.checkup import checkup
    from farm.workflow.survey import select

    with told_as_json(document=flags["as_json"]):
        inventory = loading.inventory(flags["inventory"])
        nodes = select(inventory.nodes, flags["nodes"], ())
        found = drive(checkup(inventory, nodes, timeout=flags["timeout"]))
    if flags["as_json"]:
        click.echo(json.dumps(findings.document(found), indent=2))
    else:
        findings.show(found, sys.stdout)
    return found.exit_code
