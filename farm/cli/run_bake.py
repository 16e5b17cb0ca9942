"""What `farm bake` does once its flags are read: it lets buildx read the files, and asks for their targets."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from farm.cli.drive import drive
from farm.cli.json_error import told_as_json
from farm.cli.request import Ask, of_targets
from farm.errors import Exit, UsageError
from farm.inventory import Inventory
from farm.sources.targets import Selection
from farm.workflow.request import Request


def of_bake(names: tuple[str, ...], flags: Mapping[str, Any]) -> Ask:
    """Ask for targets of bake files."""

    async def ask(_inventory: Inventory) -> Request:
        from farm.build.bake import privileges, targets
        from farm.cli import secret_sources
        from farm.cli.here import own_platform
        from farm.sources import conflicts

        found = targets.targets(await _printed(names, flags), here=own_platform())
        if not found:
            raise UsageError("the bake files have no target", fix="write one, or name another file with -f")
        privileges.check(found, flags["allowed"], environment=os.environ, start=Path.cwd())
        for target in found:
            with targets.told_of(target.name):
                secret_sources.check(target.spec.secrets)
        checked = conflicts.checked(Selection(targets=found))
        return replace(of_targets(checked.targets, flags), refused=checked.refused)

    return ask


def show(names: tuple[str, ...], flags: Mapping[str, Any]) -> Exit:
    """Print what buildx makes of the files, as it does itself."""
    with told_as_json(document=flags["as_json"]):
        document = drive(_printed(names, flags))
    click.echo(json.dumps(document, indent=2))
    return Exit.DONE


async def _printed(names: tuple[str, ...], flags: Mapping[str, Any]) -> Mapping[str, Any]:
    from farm.build import locate
    from farm.build.bake import printing

    asked = printing.Asked(
        names=names,
        files=flags["files"],
        overrides=flags["overrides"],
        variables=flags["variables"],
        pushes=flags["pushes"],
        no_cache=flags["no_cache"],
        pull=flags["pull"],
        provenance=flags["provenance"],
        sbom=flags["sbom"],
        given=sys.stdin.buffer.read() if "-" in flags["files"] else None,
    )
    # None of the user's builders takes part, and none is changed.
    with tempfile.TemporaryDirectory(prefix="farm-bake-") as config:
        return await printing.printed(locate.buildx(), asked, Path(config))
