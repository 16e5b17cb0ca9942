"""`farm schedule`."""

from __future__ import annotations

from typing import Any

import click

from farm.cli.options import inventory_option, json_option
from farm.errors import Exit


@click.command(
    epilog="Exit codes: 0 done, 2 it cannot be so (a time that is none, one elsewhere already), 5 not allowed, "
    "10 `status` found something wrong, or no schedule."
)
@click.argument("action", type=click.Choice(["install", "status", "remove"]))
@inventory_option
@click.option(
    "--user", "where", flag_value="user", help="A systemd timer of your own.  [default where you are not root]"
)
@click.option("--system", "where", flag_value="system", help="A systemd timer of the system.  [default for root]")
@click.option("--cron", "where", flag_value="cron", help="Your crontab.  [default where there is no systemd]")
@click.option(
    "--at",
    multiple=True,
    metavar="CALENDAR",
    help="When, as systemd.time(7) writes it: 02:00, 'Mon..Fri 03:30'.  [default: nightly.at of the inventory]",
)
@click.option(
    "--run-as",
    metavar="USER",
    help="With --system: whose keys, logins and history it uses.  [default: who called sudo, else root]",
)
@click.option("--dry-run", is_flag=True, help="Print what would be installed, and change nothing.")
@json_option
def schedule(**flags: Any) -> Exit:
    """Let `farm nightly` start by itself: install, look at or remove its timer.

    There is one schedule for each user, wherever it is: install again after a change of the inventory, and only what
    has changed is written. A start that this machine slept through is made up for by systemd, not by cron.

    \b
    Examples:
      farm schedule install
      farm schedule install --at 02:00 --at 'Sat 14:00'
      sudo farm schedule install --system -i /home/pi/inventory.yaml
      farm schedule status
    """
    from farm.cli import run_schedule

    return run_schedule.run(flags)
