"""`farm history`."""

from __future__ import annotations

from typing import Any

import click

from farm.cli.options import json_option
from farm.errors import Exit


@click.command(epilog="Exit codes: see `farm --help`.")
@click.argument("run", required=False)
@click.option(
    "-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="How many runs."
)
@json_option
def history(run: str | None, **flags: Any) -> Exit:
    """List the last builds, or show one RUN: its platforms, every try on every node, and where its logs are.

    Of a run of several images, RUN shows all and how the plan compares with what came of it; RUN/NAME is one of them.

    \b
    Examples:
      farm history
      farm history -n 3 --json | jq '.runs[] | select(.exit_code != 0)'
      farm history 20250301-020000-1a2b
      farm history 20250301-020000-1a2b/jaeger
    """
    from farm.cli import run_history

    if run is not None:
        return run_history.show(run, as_json=flags["as_json"])
    return run_history.show_all(flags["limit"], as_json=flags["as_json"])
