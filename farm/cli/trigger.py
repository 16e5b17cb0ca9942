"""`farm trigger`."""

from __future__ import annotations

from typing import Any

import click

from farm.cli.options import inventory_option, json_option
from farm.errors import Exit


@click.command(
    epilog="Exit codes: 0 it waits for the next night, or nothing has changed; 2 bad input; else see `farm --help`."
)
@click.argument("source", type=click.Choice(["diun", "image"]), metavar="diun|image")
@click.argument("subject", required=False, metavar="[REF]")
@inventory_option
@json_option
def trigger(**flags: Any) -> Exit:
    """Ask from outside that an image be built: the next `farm nightly` does it.

    `farm trigger image REF` takes the name of an image of the inventory, the repository that images are pushed to, or a
    base image that they are built on. `farm trigger diun` is for Diun's script notification, and reads the variables
    that it sets. The same wish again is one wish. To build what waits at once: `farm nightly --triggered`.

    \b
    Examples:
      farm trigger image jaeger
      farm trigger image docker.io/library/alpine:3.20
      DIUN_NOTIF_SCRIPT_CMD=farm DIUN_NOTIF_SCRIPT_ARGS=trigger,diun diun serve
    """
    from farm.cli import run_trigger

    return run_trigger.trigger(flags)
