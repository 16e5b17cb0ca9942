"""`farm bake`."""

from __future__ import annotations

from typing import Any

import click

from farm.cli.build_options import load_option, result_options, run_options
from farm.errors import Exit


@click.command(epilog="Exit codes: see `farm --help`.")
@click.argument("names", nargs=-1, metavar="[TARGET]...")
@click.option(
    "-f",
    "--file",
    "files",
    multiple=True,
    metavar="FILE",
    help="A bake or Compose file, - for standard input.  [default: those that buildx looks for]",
)
@click.option("--set", "overrides", multiple=True, metavar="TARGET.KEY=VALUE", help="Change a field of targets.")
@click.option("--var", "variables", multiple=True, metavar="NAME=VALUE", help="A variable of the bake files.")
@click.option("--push", "pushes", is_flag=True, help="Push every image, wherever the files send it.")
@load_option
@click.option("--no-cache", is_flag=True, help="Build every step anew.")
@click.option("--pull", is_flag=True, help="Ask the registry for newer base images.")
@click.option("--provenance", metavar="MODE", help="Provenance attestation: false, mode=min or mode=max.")
@click.option("--sbom", metavar="BOOL", help="SBOM attestation: true or generator=IMAGE.")
@click.option(
    "--allow",
    "allowed",
    multiple=True,
    metavar="PRIVILEGE",
    help="Let the files have network.host, security.insecure, ssh, fs.read=PATH, fs.write=PATH or fs=PATH.",
)
@click.option("--print", "prints", is_flag=True, help="Print what buildx makes of the files, and build nothing.")
@run_options
@result_options
def bake(names: tuple[str, ...], prints: bool, dry_run: bool, **flags: Any) -> Exit:
    """Build TARGETs (or groups) of bake files, each platform on its own node; by default the group `default`.

    The files are read by buildx: docker-bake.hcl, docker-bake.json, compose.yaml. As there, nothing is pushed
    without --push or an output that pushes.

    \b
    Examples:
      farm bake --push                            all of docker-bake.hcl
      farm bake app 'tool-*' --push --set '*.platform=linux/arm64,linux/arm/v7'
      farm bake -f compose.yaml web --push
      VERSION=2.0 farm bake --print               what would that be?
      farm bake --dry-run                         who would build it, and when?
    """
    from farm.cli import run_bake, run_build

    ask = run_bake.of_bake(names, flags)
    if prints:
        return run_bake.show(names, flags)
    return run_build.show_plan(ask, flags) if dry_run else run_build.build(ask, flags)
