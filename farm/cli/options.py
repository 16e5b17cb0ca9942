"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def inventory_option(command: F) -> F:
    """`-i/--inventory`, also from FARM_INVENTORY."""
    return click.option(
        "-i",
        "--inventory",
        type=click.Path(path_type=Path),
        envvar="FARM_INVENTORY",
        help="The file that lists the nodes.  [default: $FARM_INVENTORY, else ./inventory.yaml, else this machine]",
    )(command)


def node_options(command: F) -> F:
    """`--node` and `--exclude-node`."""
    command = click.option(
        "--exclude-node",
        "excluded",
        multiple=True,
        metavar="NAME",
        help="Never use this node, or nodes with this label.",
    )(command)
    return click.option(
        "--node", "only", multiple=True, metavar="NAME", help="Use only this node, or nodes with this label."
    )(command)
