"""`farm prune`."""

from __future__ import annotations

from typing import Any

import click

from farm.cli.options import Size, inventory_option, json_option, node_options, timeout_option
from farm.errors import Exit


@click.command(
    epilog="Exit codes: 0 done, 2 nothing says what to clean up, 4 or 5 a node or a registry could not be cleaned up."
)
@inventory_option
@node_options
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="KEY=VALUE",
    help="Only cache that this is true of, as in buildx: until=24h, type=source.local, ...",
)
@click.option("--max-used-space", type=Size(), metavar="SIZE", help="Cut each node's build cache to this size.")
@click.option("--min-free-space", type=Size(), metavar="SIZE", help="Cut it until so much of the disk is free.")
@click.option("--reserved-space", "--keep-storage", type=Size(), metavar="SIZE", help="Never cut it below this size.")
@click.option("-a", "--all", "takes_all", is_flag=True, help="Also what buildx keeps for itself.")
@click.option("--registry", is_flag=True, help="Delete what farm pushed and no tag reaches any more.")
@click.option(
    "--keep-runs", type=click.IntRange(min=1), metavar="N", help="Delete the logs of all but the N newest runs."
)
@click.option("--dry-run", is_flag=True, help="Say what would be freed, and change nothing.")
@timeout_option(10, "How long a node may take to answer.")
@json_option
def prune(**flags: Any) -> Exit:
    """Clean up: build caches on all nodes at once, pushed digests that no tag uses, logs of old runs.

    Without options it does what `housekeeping:` of the inventory says, with options what they say and nothing else.
    Builds may go on meanwhile: BuildKit keeps what they use. A node that sleeps is not woken.

    \b
    Examples:
      farm prune --dry-run
      farm prune --filter until=336h              what nobody used for two weeks
      farm prune --all --node z1                  all of a node's cache that is not in use
      farm prune --max-used-space 10GB --json | jq '.nodes[] | {node, freed}'
    """
    from farm.cli import run_prune

    return run_prune.show(flags)
