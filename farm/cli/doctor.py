"""`farm doctor`."""

from __future__ import annotations

from typing import Any

import click

from farm.cli.options import inventory_option, json_option, timeout_option
from farm.errors import Exit


@click.command(epilog="Exit codes: 0 all is well, 4 or 5 a node could not be examined, 10 there are findings.")
@click.argument("nodes", nargs=-1, metavar="[NODE]...")
@inventory_option
@timeout_option(10, "How long a node may take for each answer.")
@click.option("--fix", is_flag=True, help="Let `farm provision` mend what it can without a risk, then look again.")
@json_option
def doctor(**flags: Any) -> Exit:
    """Say what is wrong with the nodes and with this machine, why it matters, and what mends it.

    NODE is a node or a label of the inventory; without any, all are examined. Without --fix nothing is changed. The
    BuildKit of each node is asked whether it reaches the registries and proxies that the inventory names.

    \b
    Examples:
      farm doctor
      farm doctor pi4
      farm doctor pi4 --fix
      farm doctor --json | jq -r '.nodes[] | .node as $n | .findings[] | "\\($n) \\(.check) \\(.fix)"'
    """
    from farm.cli import run_doctor

    return run_doctor.show(flags)
