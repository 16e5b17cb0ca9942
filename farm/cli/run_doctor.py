"""What `farm doctor` does once its flags are read."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click

from farm.cli.drive import drive
from farm.cli.json_error import told_as_json
from farm.cli.password import password, terminal_as_it_is
from farm.errors import Exit

if TYPE_CHECKING:
    from farm.inventory import Inventory, Node
    from farm.workflow.checkup import Checkup
    from farm.workflow.provision import Provisioned


def show(flags: Mapping[str, Any]) -> Exit:
    """Examine the nodes and this machine, mend them where that is wished, and print what is found then."""
    from farm.cli import findings, loading
    from farm.workflow.survey import select

    with told_as_json(document=flags["as_json"]):
        inventory = loading.inventory(flags["inventory"])
        nodes = select(inventory.nodes, flags["nodes"], ())
        examined = _examined(inventory, nodes, within=flags["timeout"], is_mended=flags["fix"])
        found, mended = drive(examined, last_resort=terminal_as_it_is())
    if flags["as_json"]:
        click.echo(json.dumps(findings.document(found, mended), indent=2))
    else:
        findings.show(found, sys.stdout, was_mended=bool(mended))
    return found.exit_code


async def _examined(
    inventory: Inventory, nodes: Mapping[str, Node], *, within: float, is_mended: bool
) -> tuple[Checkup, tuple[Provisioned, ...]]:
    found = await _watched(inventory, nodes, within=within)
    if not is_mended:
        return found, ()
    from farm.cli.run_provision import tell
    from farm.cli.tell_error import tell_error
    from farm.workflow.mending import mend

    mended = await mend(nodes, found, ask=password, tell=tell)
    for each in mended:
        if each.error is not None:
            tell_error(each.error)
    return (await _watched(inventory, nodes, within=within) if mended else found), mended


async def _watched(inventory: Inventory, nodes: Mapping[str, Node], *, within: float) -> Checkup:
    """Examine, and let somebody at a terminal see that it goes on: a registry that is away takes 20 s."""
    from farm.report.terminal import console
    from farm.workflow.checkup import checkup

    waiting = console(sys.stderr).status(f"examining {', '.join(nodes)}") if sys.stderr.isatty() else nullcontext()
    with waiting:
        return await checkup(inventory, nodes, timeout=within)
