"""`farm init`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from farm.cli.options import node_options, timeout_option
from farm.errors import Exit


@click.command(epilog="Exit codes: 0 every node was reached, 4 or 5 if one was not, 2 if nothing can be written.")
@click.argument("hosts", nargs=-1, metavar="[HOST]...")
@click.option(
    "--from",
    "sources",
    multiple=True,
    metavar="SOURCE",
    help="Take boards from: ssh (~/.ssh/config), docker (contexts), buildx (builders), podman (connections), "
    "ansible[:PATH].",
)
@click.option("--user", metavar="NAME", help="Login name on all boards that do not say another.")
@click.option("--key", metavar="FILE", help="Private key for all boards that do not say another.")
@click.option(
    "-i",
    "--inventory",
    type=click.Path(path_type=Path, allow_dash=True),
    envvar="FARM_INVENTORY",
    help="The file to write, - for standard output.  [default: $FARM_INVENTORY, else ./inventory.yaml]",
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@node_options
@timeout_option(5, "How long a board may take to answer.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document of what was found.")
def init(**flags: Any) -> Exit:
    """Write a first inventory.yaml: of each HOST ([NAME=][USER@]HOST[:PORT]), or of what other tools know.

    Every board is asked what it is and what it builds natively. Without HOST and --from it asks you, on a terminal.
    A board that does not answer is written down with the reason: as a node if you have named it, else as a comment. A
    host key that is new to you is shown, and trusted only if you say so.

    \b
    Examples:
      farm init                                       asks you
      farm init pi@pi4.lan z1=192.168.1.21 --user farm
      farm init --from ansible:hosts.yml --node boards
      farm init --from docker --from ssh -i -         look, write nothing
    """
    from farm.cli import run_init

    return run_init.init(flags)
