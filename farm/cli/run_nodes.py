"""What `farm nodes` does once its flags are read."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from farm.cli.drive import drive
from farm.cli.json_error import told_as_json
from farm.errors import Exit


def show(flags: Mapping[str, Any]) -> Exit:
    """Survey the nodes and print them. The exit code is that of the worst node."""
    from farm.cli import loading, node_table
    from farm.workflow.survey import select
    from farm.workflow.vitals import vitals

    with told_as_json(document=flags["as_json"]):
        inventory = loading.inventory(flags["inventory"])
        nodes = select(inventory.nodes, flags["only"], flags["excluded"])
        found = drive(vitals(nodes, timeout=flags["timeout"]))
    if flags["as_json"]:
        click.echo(json.dumps({"nodes": node_table.documents(found)}, indent=2))
    else:
        node_table.show(found, sys.stdout)
    return max((node.exit_code for node in found), default=Exit.DONE)


def trust(inventory: Path | None, name: str, *, accept: bool) -> Exit:
    """Show a node's host key, ask, remember it."""
    from farm.cli import loading, trusting
    from farm.workflow.survey import select

    return trusting.trust(select(loading.inventory(inventory).nodes, (name,), ())[name], accept=accept)
