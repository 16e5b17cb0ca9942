"""`farm build` and `farm plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from farm.cli.build_options import build_options
from farm.cli.options import Seconds
from farm.errors import Exit


@click.command(epilog="Exit codes: see `farm --help`.")
@click.argument("context", default=".")
@build_options
@click.option(
    "--resume",
    is_flag=False,
    flag_value="",
    metavar="[RUN]",
    help="Go on with a run that did not end well: what it built and pushed is not built again.",
)
@click.option(
    "--wait",
    is_flag=False,
    flag_value="24h",
    type=Seconds(),
    metavar="[TIME]",
    help="Wait for another run that builds the same image.",
)
@click.option(
    "--metadata-file", type=click.Path(path_type=Path, dir_okay=False), help="Write buildx-like metadata here."
)
@click.option("--iidfile", type=click.Path(path_type=Path, dir_okay=False), help="Write the image's digest here.")
@click.option(
    "--progress",
    type=click.Choice(["auto", "plain", "rich", "json", "quiet"]),
    default="auto",
    show_default=True,
    envvar="FARM_PROGRESS",
    help="How progress is shown on stderr; auto is rich on a terminal, else plain.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print the digest and nothing else.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document at the end.")
@click.option("--dry-run", is_flag=True, help="Print the plan and stop, as `farm plan` does.")
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
