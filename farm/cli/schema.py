"""`farm schema`."""

from __future__ import annotations

import json

import click

from farm.errors import Exit


@click.command()
def schema() -> Exit:
    """Print the JSON Schema of inventory.yaml, for editors that complete and check while you type.

    \b
    Example:
      farm schema > inventory.schema.json
    """
    from farm import inventory

    click.echo(json.dumps(inventory.schema(), indent=2))
    return Exit.DONE
