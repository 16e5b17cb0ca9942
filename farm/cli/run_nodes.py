"""What `farm nodes` does once its flags are read."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from farm.cli.drive import drive
from farm.cli.json_error import told_as_json
from farm.errors import Exit, RefusedError, UsageError


def show(flags: Mapping[str, Any]) -> Exit:
    """Survey the nodes and print them. The exit code is that of the worst node."""
    from farm.cli import loading, node_table
    from farm.workflow.survey import select
    from farm.workflow.vitals import vitals

    with told_as_json(document=flags["as_json"]):
        inventory = loading.inventory(flags["inventory"])
        nodes = select(inventory.nodes, flags["only"], flags["excluded"])
        found = drive(vitals(nodes, timeout=flags["timeout"]))
    if flags["as_json"]:
        click.echo(json.dumps({"nodes": [node_table.document(node) for node in found]}, indent=2))
    else:
        node_table.show(found, sys.stdout)
    return max((node.exit_code for node in found), default=Exit.DONE)


def trust(inventory: Path | None, name: str, *, accept: bool) -> Exit:
    """Show a node's host key, ask, remember it."""
    from farm.cli import loading
    from farm.nodes.trust import host_key, remember
    from farm.workflow.survey import select

    node = select(loading.inventory(inventory).nodes, (name,), ())[name]
    if node.engine == "local":
        raise UsageError(f"{name} is this machine: it is reached without SSH", fix="nothing to trust")
    key = drive(host_key(node))
    if key.known == "same":
        click.echo(f"{name}: {key.algorithm} {key.fingerprint} is trusted already, in {key.file}")
        return Exit.DONE
    if key.known == "other":
        click.echo(
            f"{name}: WARNING: its host key has CHANGED. Either the board was installed anew, or somebody answers in "
            "its place.",
            err=True,
        )
    click.echo(f"{name} shows this host key:\n  {key.algorithm}\n  {key.fingerprint}")
    click.echo("Compare it on the board's own screen: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")
    if not accept and not _asks():
        raise RefusedError(
            f"{name}: nobody is here to compare the fingerprint", fix="run it on a terminal, or with --yes"
        )
    if not accept and not click.confirm(f"Trust it, and write it to {key.file}?"):
        raise RefusedError(f"{name}: the host key was not accepted", fix="find out why the fingerprint differs")
    file = drive(remember(node, key, replace=key.known == "other"))
    click.echo(f"{name}: trusted, in {file}")
    return Exit.DONE


def _asks() -> bool:
    return sys.stdin.isatty()
