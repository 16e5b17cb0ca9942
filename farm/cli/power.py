"""`farm power`."""

from __future__ import annotations

from typing import Any

import click

from farm.cli.options import inventory_option, json_option
from farm.errors import Exit


@click.command(
    epilog="Exit codes: 0 done, 2 no way is said in the inventory, 4 it did not come up, 75 somebody builds there."
)
@click.argument("action", type=click.Choice(["wake", "cycle", "off"]))
@click.argument("nodes", nargs=-1, required=True, metavar="NODE...")
@inventory_option
@click.option("--force", is_flag=True, help="Cycle it or switch it off even where somebody builds there.")
@json_option
def power(**flags: Any) -> Exit:
    """Wake, cycle or switch off each NODE (a name or a label) now, as `power:` in the inventory says.

    `farm build` does so by itself where it needs to; this is to try the settings, and to work on a board. A node that
    is woken or cycled is awaited until it answers and has something to build with.

    \b
    Examples:
      farm power wake pi4
      farm power off minis
    """
    from farm.cli import run_power

    return run_power.power(flags)
