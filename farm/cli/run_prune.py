"""What `farm prune` does once its flags are read."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click

from farm.cli.drive import drive
from farm.cli.json_error import told_as_json
from farm.errors import Exit, UsageError

if TYPE_CHECKING:
    from farm.build.cache_bounds import Bounds
    from farm.inventory import Inventory, Node
    from farm.workflow.prune import Pruned, Wanted

# A duration of Go, which buildx reads, and the days and weeks of the inventory.
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|w)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
_AGES = ("until", "unused-for")


def show(flags: Mapping[str, Any]) -> Exit:
    """Clean up and print what came of it. The exit code is that of the worst error."""
    from farm.cli import loading, pruned_lines
    from farm.workflow.survey import select

    with told_as_json(document=flags["as_json"]):
        inventory = loading.inventory(flags["inventory"])
        nodes = select(inventory.nodes, flags["only"], flags["excluded"])
        wanted = _wanted(flags, inventory)
        done = drive(_watched(inventory, nodes, wanted, flags))
    if flags["as_json"]:
        click.echo(json.dumps(pruned_lines.document(done, dry_run=flags["dry_run"]), indent=2))
    else:
        pruned_lines.show(done, sys.stdout, dry_run=flags["dry_run"])
    return done.exit_code


def _wanted(flags: Mapping[str, Any], inventory: Inventory) -> Wanted:
    """What the options say, or the inventory where there are none. Raises UsageError where nobody says anything."""
    from farm.workflow.prune import Wanted, wanted

    said = Wanted(caches=bounds(flags), registry=flags["registry"], keep_runs=flags["keep_runs"])
    if said.is_empty and inventory.housekeeping is not None:
        said = wanted(inventory.housekeeping)
    if said.is_empty:
        raise UsageError(
            "nothing says what to clean up",
            fix="say it at `housekeeping:` of the inventory, or with an option: --all, --filter until=336h, ...",
        )
    return said


def bounds(flags: Mapping[str, Any]) -> Bounds:
    """What the options say of caches. Raises UsageError for a filter that is none."""
    from farm.build.cache_bounds import Bounds

    ages: list[float] = []
    filters: list[str] = []
    for text in flags["filters"]:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise UsageError(f"--filter {text}: it is not KEY=VALUE", fix="write --filter until=24h")
        if key in _AGES:
            ages.append(_age(value))
        else:
            filters.append(text)
    if len(ages) > 1:
        raise UsageError("--filter until=... can be given once", fix="leave one of them out")
    used, free = flags["max_used_space"], flags["min_free_space"]
    if used is None and free is None and not ages:
        used = flags["reserved_space"]  # alone it is how much stays
    return Bounds(
        age=ages[0] if ages else None,
        used=used,
        free=free,
        reserved=flags["reserved_space"],
        all=flags["takes_all"],
        filters=tuple(filters),
    )


def _age(text: str) -> float:
    parts = _PART.findall(text)
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != text or seconds < 1:
        raise UsageError(f"--filter until={text}: it is not a time", fix="write until=24h or until=14d")
    return seconds


async def _watched(inventory: Inventory, nodes: Mapping[str, Node], wanted: Wanted, flags: Mapping[str, Any]) -> Pruned:
    """Clean up, and let somebody at a terminal see that it goes on: an SD card takes minutes."""
    from farm.report.terminal import console
    from farm.workflow.prune import prune

    waiting = console(sys.stderr).status("cleaning up") if sys.stderr.isatty() else nullcontext()
    with waiting:
        return await prune(inventory, nodes, wanted, timeout=flags["timeout"], dry_run=flags["dry_run"])
