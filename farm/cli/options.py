"""Options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from farm.report import words

F = TypeVar("F", bound=Callable[..., Any])


class Seconds(click.ParamType[float]):
    """A length of time such as 90, 90s, 15m or 2h, as seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it; click asks for defaults that are seconds already too."""
        if isinstance(value, float):
            return value
        seconds = words.read_seconds(str(value))
        if seconds is None:
            self.fail(f"{value!r} is not a time; write 90s, 15m or 2h", param, ctx)
        return seconds


class Size(click.ParamType[int]):
    """An amount such as 512MB or 10g, as bytes; as in Docker each unit is 1024 of the one before."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it (github.com/docker/go-units, RAMInBytes)."""
        match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([kmgtp]?)i?b?", str(value), re.IGNORECASE)
        if match is None:
            self.fail(f"{value!r} is not an amount; write 512MB or 10GB", param, ctx)
        return int(float(match[1]) * 1024 ** " kmgtp".index(match[2].lower() or " "))


def inventory_option(command: F) -> F:
    """`-i/--inventory`, also from FARM_INVENTORY."""
    return click.option(
        "-i",
        "--inventory",
        type=click.Path(path_type=Path),
        envvar="FARM_INVENTORY",
        help="The file that lists the nodes.  [default: $FARM_INVENTORY, else ./inventory.yaml, else this machine]",
    )(command)


def timeout_option(default: float, help_text: str) -> Callable[[F], F]:
    """`--timeout`, for commands that ask nodes and build nothing."""
    return click.option(
        "--timeout",
        type=click.FloatRange(0.1, 60),
        default=default,
        show_default=True,
        metavar="SECONDS",
        help=help_text,
    )


def json_option(command: F) -> F:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(command)


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


progress_option = click.option(
    "--progress",
    type=click.Choice(["auto", "plain", "rich", "json", "quiet"]),
    default="auto",
    show_default=True,
    envvar="FARM_PROGRESS",
    help="How progress is shown on stderr; auto is rich on a terminal, else plain.",
)
"""`--progress`, also from FARM_PROGRESS."""

retries_option = click.option(
    "--retries",
    type=click.IntRange(0, 10),
    metavar="N",
    help="How often one node is tried again after a passing fault.  [default: the inventory's, else 2]",
)
"""`--retries`."""
