"""`farm build` and `farm plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from farm.cli.build_options import build_options, result_options, run_options
from farm.errors import Exit


@click.command(epilog="Exit codes: see `farm --help`.")
@click.argument("words", nargs=-1, metavar="[CONTEXT | NAME...]")
@click.option("--all", "is_all", is_flag=True, help="Build all images of the inventory.")
@build_options
@run_options
@result_options
@click.option("--iidfile", type=click.Path(path_type=Path, dir_okay=False), help="Write the image's digest here.")
def build(words: tuple[str, ...], is_all: bool, dry_run: bool, **flags: Any) -> Exit:
    """Build CONTEXT (a folder or a git URL, by default the current folder), or images of the inventory by NAME.

    Every platform is built on a node of its own, and one image is pushed. Options add to what the inventory says of
    images, or take its place.

    \b
    Examples:
      farm build . -t registry.lan:5000/app:1.0
      farm build . -t reg.lan/app:1 -t reg.lan/app:latest --platform linux/arm64,linux/arm/v7
      farm build https://github.com/me/app.git#v1.2:docker -t reg.lan/app:1.2
      farm build . --output type=oci,dest=app.tar      no registry needed
      farm build . -t reg.lan/app:1 --json             for scripts
      farm build app web@v1.2                          images of the inventory, one of them as of a tag
    """
    from farm.cli import run_build
    from farm.cli.by_name import of_words

    ask = of_words(words, flags, is_all=is_all)
    if dry_run:
        return run_build.show_plan(ask, flags)
    return run_build.build(ask, flags)


@click.command(epilog="Exit codes: see `farm --help`.")
@click.argument("words", nargs=-1, metavar="[CONTEXT | NAME...]")
@click.option("--all", "is_all", is_flag=True, help="Plan all images of the inventory.")
@build_options
@run_options
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def plan(words: tuple[str, ...], is_all: bool, **flags: Any) -> Exit:
    """Say which node would build which platform of CONTEXT, or of images by NAME, when and why; build nothing.

    \b
    Examples:
      farm plan .
      farm plan . --platform linux/arm/v7 --json
      farm plan --all
    """
    from farm.cli import run_build
    from farm.cli.by_name import of_words

    return run_build.show_plan(of_words(words, flags, is_all=is_all), flags)
