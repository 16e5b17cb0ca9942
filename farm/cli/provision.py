"""`farm provision`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from farm.cli.options import inventory_option, json_option
from farm.errors import Exit


class Size(click.ParamType[int]):
    """A size such as 512M or 2G, as bytes in powers of 1024 as memory is sold."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it."""
        import re

        match = re.fullmatch(r"([0-9]{1,5})([MG])i?B?", str(value).strip(), re.IGNORECASE)
        if not match or not int(match[1]):
            self.fail(f"{value!r} is not a size; write 512M or 2G", param, ctx)
        return int(match[1]) << {"M": 20, "G": 30}[match[2].upper()]


@click.command(epilog="Exit codes: 0 all are nodes now, else that of the worst; see `farm --help`.")
@click.argument("nodes", metavar="NODE...", nargs=-1, required=True)
@inventory_option
@click.option(
    "--engine",
    type=click.Choice(["docker", "buildkitd", "container"]),
    help="What to install.  [default: the inventory's, else what is there, else what the system brings]",
)
@click.option(
    "--rootless/--rootful",
    default=None,
    help="Let buildkitd run as the user who logs in, or as root.  [default: as it does, else as root]",
)
@click.option(
    "--buildkit-archive",
    "archives",
    multiple=True,
    metavar="FILE|URL",
    help="A release of BuildKit to bring, one for each architecture.  [default: built from farm's own sources]",
)
@click.option("--sha256", "sums", multiple=True, metavar="HEX", help="The checksum of the archive; one for each.")
@click.option("--swap", type=Size(), metavar="SIZE", help="Make a swap file, such as 2G.")
@click.option("--zram", is_flag=True, help="Swap to compressed memory.")
@click.option("--reboot", is_flag=True, help="Restart a board that needs it, and wait for it.")
@click.option("--step", "steps", multiple=True, metavar="NAME", help="Do only this step.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@json_option
def provision(nodes: tuple[str, ...], inventory: Path | None, **flags: Any) -> Exit:
    """Make each NODE (a name or a label of the inventory) a board that builds: engine, user, settings, service.

    It needs Debian, Ubuntu or Raspberry Pi OS with an SSH server, and sudo or root. What is right already stays as it
    is, so it can be run at any time, and goes on where it was cut off.

    \b
    Examples:
      farm provision pi4 --dry-run             what would be done?
      farm provision pi4 z1 z2
      farm provision z1 --engine buildkitd --rootless --swap 2G
      farm provision pi4 --reboot              restart it if a change needs that
    """
    from farm.cli import run_provision

    return run_provision.run(nodes, inventory, flags)
