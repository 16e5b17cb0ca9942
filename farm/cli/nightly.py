"""`farm nightly` and `farm due`."""

from __future__ import annotations

from typing import Any

import click

from farm.cli.options import Seconds, inventory_option, json_option, node_options, progress_option, retries_option
from farm.errors import Exit

_CODES = "Exit codes: that of the image with the worst end, 75 if some were not begun in time; see `farm --help`."


@click.command(epilog=_CODES)
@click.argument("images", nargs=-1, metavar="[IMAGE...]")
@click.option("--force", is_flag=True, help="Build them whatever has moved.")
@click.option("--triggered", is_flag=True, help="Only what `farm trigger` has asked for.")
@click.option(
    "--deadline",
    type=Seconds(),
    metavar="TIME",
    help="Begin no build later than this after the start.  [default: the inventory's, else none]",
)
@click.option(
    "--jitter",
    type=Seconds(),
    metavar="TIME",
    help="Wait for a random time, as long as this at most, before all else.",
)
@retries_option
@click.option(
    "--move-identical",
    is_flag=True,
    help="Move tags also to what differs in nothing but timestamps from what they stand for.",
)
@progress_option
@click.option("--dry-run", is_flag=True, help="Print what is due and stop, as `farm due` does.")
@inventory_option
@node_options
@json_option
def nightly(dry_run: bool, **flags: Any) -> Exit:
    """Build what has moved of the inventory's images (all, or each IMAGE), clean up, and tell who wants to know.

    An image is due where its commit or its files, a base image, its recipe or its platforms are others than it was last
    built from, where its last try failed, and where it is too old. Each platform counts for itself: what has not moved
    is not built, but joined again. A night without news asks git and the registries, and no node. What fails by chance
    is tried again up to three times in the next 35 minutes.

    \b
    Examples:
      farm nightly                       all images; for cron and timers (see `farm schedule`)
      farm nightly jaeger app@v1.2       these alone
      farm nightly --triggered           what Diun or somebody else has asked for
      farm nightly --force app           build it whatever has moved
    """
    from farm.cli import run_nightly

    if dry_run:
        return run_nightly.due(flags)
    return run_nightly.nightly(flags)


@click.command(epilog="Exit codes: 0 done, 4 something could not be looked at; else see `farm --help`.")
@click.argument("images", nargs=-1, metavar="[IMAGE...]")
@click.option("--force", is_flag=True, help="Say what would be built with `farm nightly --force`.")
@click.option("--triggered", is_flag=True, help="Only what `farm trigger` has asked for.")
@inventory_option
@json_option
def due(**flags: Any) -> Exit:
    """Say which of the inventory's images `farm nightly` would build now, which platforms, and why; build nothing.

    \b
    Examples:
      farm due
      farm due app --json
    """
    from farm.cli import run_nightly

    return run_nightly.due(flags)
