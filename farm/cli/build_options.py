"""The options of `docker buildx build` that say what to build, under buildx's own names, and farm's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from farm.cli.options import Seconds, inventory_option, node_options, progress_option, retries_option
from farm.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

# Options that may be given several times: flag, name of the parameter, what to write, help.
_REPEATABLE = (
    ("--build-arg", "build_args", "NAME=VALUE", "A build argument; NAME alone takes it from the environment."),
    ("--build-context", "build_contexts", "NAME=PLACE", "A further context: a folder, a URL or docker-image://REF."),
    ("--secret", "secrets", "id=ID,src=FILE", "A secret for the build; id=ID,env=NAME takes it from the environment."),
    ("--ssh", "ssh", "ID[=PATH]", "An SSH agent socket or key for the build, usually `default`."),
    ("--label", "labels", "NAME=VALUE", "A label of the image."),
    ("--annotation", "annotations", "[TYPE:]NAME=VALUE", "An annotation of the image or, with index:, of the index."),
    ("--cache-from", "cache_from", "CACHE", "A cache to read, such as type=registry,ref=REF."),
    ("--cache-to", "cache_to", "CACHE", "A cache to write, such as type=registry,ref=REF."),
    ("--attest", "attest", "TYPE", "An attestation: type=sbom or type=provenance,mode=max."),
    ("--resource", "resource", "LIMIT", "A limit for the build's containers, such as memory=512m."),
    ("--ulimit", "ulimits", "NAME=SOFT[:HARD]", "A limit in RUN steps."),
    ("--add-host", "add_hosts", "NAME:IP", "A host entry in RUN steps."),
    ("--allow", "allow", "PRIVILEGE", "An extra privilege: network.host or security.insecure."),
)
_SINGLE = (
    ("--target", "STAGE", "The stage to build."),
    ("--provenance", "MODE", "Provenance attestation: false, mode=min or mode=max."),
    ("--sbom", "BOOL", "SBOM attestation: true or generator=IMAGE."),
    ("--network", "MODE", "Network of RUN steps: default, none or host."),
    ("--shm-size", "SIZE", "Size of /dev/shm in RUN steps."),
)


def _no_load(_context: click.Context, _option: click.Parameter, value: bool) -> None:
    # Whoever comes from buildx tries it: an answer is better than "no such option".
    if value:
        raise UsageError(
            "--load: farm loads nothing into a Docker",
            fix="push, or write --output type=oci,dest=FILE and use `docker load`",
        )


load_option = click.option("--load", is_flag=True, hidden=True, expose_value=False, callback=_no_load)


def build_options(command: F) -> F:
    """Add every option that says what to build and where the result goes."""
    for option in reversed(
        (
            click.option("-t", "--tag", "tags", multiple=True, metavar="REF", help="Name and tag of the image."),
            click.option(
                "-f", "--file", "dockerfile", metavar="PATH", help="Dockerfile.  [default: CONTEXT/Dockerfile]"
            ),
            click.option(
                "--platform",
                "platforms",
                multiple=True,
                metavar="LIST",
                help="Platforms, separated by commas.  [default: all that the nodes build natively]",
            ),
            *(click.option(flag, metavar=metavar, help=text) for flag, metavar, text in _SINGLE),
            *(
                click.option(flag, name, multiple=True, metavar=metavar, help=text)
                for flag, name, metavar, text in _REPEATABLE
            ),
            click.option("--no-cache", is_flag=True, help="Build every step anew."),
            click.option("--pull", is_flag=True, help="Ask the registry for newer base images."),
            click.option(
                "--push/--no-push", default=None, help="Push the image.  [default: push when there is a --tag]"
            ),
            load_option,
            click.option(
                "-o",
                "--output",
                "outputs",
                multiple=True,
                metavar="DEST",
                help="type=registry, type=oci,dest=FILE or type=local,dest=DIR.",
            ),
        )
    ):
        command = option(command)
    return command


def run_options(command: F) -> F:
    """Add every option that says which nodes build, and how hard they try."""
    for option in reversed(
        (
            retries_option,
            click.option(
                "--silence",
                type=Seconds(),
                metavar="TIME",
                help="Give a build up that says nothing for so long.  [default: the inventory's, else 15m]",
            ),
            click.option(
                "--timeout",
                type=Seconds(),
                metavar="TIME",
                help="Give a build up that takes longer.  [default: the inventory's, else 3 times the usual]",
            ),
            click.option(
                "--allow-missing",
                multiple=True,
                metavar="LIST",
                help="Publish without these platforms where they cannot be built; exit code 9 then.",
            ),
            click.option("--allow-emulation", is_flag=True, help="Emulate where no native node is left."),
            click.option(
                "--duplicate-stragglers",
                "duplicates_stragglers",
                is_flag=True,
                help="Build what is left alone and late on an idle node too; the first to end wins.",
            ),
        )
    ):
        command = option(command)
    return inventory_option(node_options(command))


def result_options(command: F) -> F:
    """Add every option of commands that build: what is taken over, how it is shown, and where it is written."""
    for option in reversed(
        (
            click.option(
                "--resume",
                is_flag=False,
                flag_value="",
                metavar="[RUN]",
                help="Go on with a run that did not end well: what it built and pushed is not built again.",
            ),
            click.option(
                "--wait",
                is_flag=False,
                flag_value="24h",
                type=Seconds(),
                metavar="[TIME]",
                help="Wait for another run that builds the same image.",
            ),
            click.option(
                "--metadata-file",
                type=click.Path(path_type=Path, dir_okay=False),
                help="Write buildx-like metadata here.",
            ),
            progress_option,
            click.option("-q", "--quiet", is_flag=True, help="Print the digest and nothing else."),
            click.option("--json", "as_json", is_flag=True, help="Print one JSON document at the end."),
            click.option("--dry-run", is_flag=True, help="Print the plan and stop, as `farm plan` does."),
        )
    ):
        command = option(command)
    return command
