"""`farm build` and `farm plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from farm.cli.build_options import build_options, result_options, run_options
from farm.errors import Exit


@click.command(epilog="Exit codes: see `farm --help`.")
@click.argument("context", default=".")
@build_options
@run_options
@result_options
@click.option("--iidfile", type=click.Path(path_type=Path, dir_okay=False), help="Write the image's digest here.")
def build(context: str, dry_run: bool, **flags: Any) -> Exit:
    """Build CONTEXT (a folder or a git URL) on every platform's own node and push one image.

    \b
    Examples:
      farm build . -t registry.lan:5000/app:1.0
      farm build . -t reg.lan/app:1 -t reg.lan/app:latest --platform linux/arm64,linux/arm/v7
      farm build https://github.com/me/app.git#v1.2:docker -t reg.lan/app:1.2
      farm build . --output type=oci,dest=app.tar      no registry needed
      farm build . -t reg.lan/app:1 --json             for scripts
    """
    from farm.cli import run_build
    from farm.cli.request import of_context

    ask = of_context(context, flags)
    if dry_run:
        return run_build.show_plan(ask, flags)
    return run_build.build(ask, flags)


@click.command(epilog="Exit codes: see `farm --help`.")
@click.argument("context", default=".")
@build_options
@run_options
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def plan(context: str, **flags: Any) -> Exit:
    """Say which node would build which platform of CONTEXT, and why; build nothing.

    \b
    Examples:
      farm plan .
      farm plan . --platform linux/arm/v7 --json
    """
    from farm.cli import run_build
    from farm.cli.request import of_context

    return run_build.show_plan(of_context(context, flags), flags)
