"""`farm notify`."""

from __future__ import annotations

from typing import Any

import click

from farm.cli.options import inventory_option, json_option
from farm.errors import Exit


@click.command(epilog="Exit codes: 0 all were told, 2 the inventory names nobody, 4 somebody could not be told.")
@inventory_option
@json_option
def notify(**flags: Any) -> Exit:
    """Send a test message to everybody whom `notify:` of the inventory names, and say who could not be told.

    Each service gets one message, and the dead man's switch a start and a success, as in a night that went well.
    """
    from farm.cli import run_notify

    return run_notify.run(flags)
