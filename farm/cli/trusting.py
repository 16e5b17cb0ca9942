"""Asking the user whether a host key is the board's own: never answered by farm itself."""

from __future__ import annotations

import sys

import click

from farm.cli.drive import drive
from farm.errors import Exit, FarmError, RefusedError, UsageError
from farm.inventory import Node
from farm.nodes.trust import HostKey, host_key, remember


def can_ask() -> bool:
    """Whether a person sits there."""
    return sys.stdin.isatty()


def trust(node: Node, *, accept: bool) -> Exit:
    """Show the node's host key, ask unless `accept` says yes already, remember it. Raises RefusedError."""
    if node.engine == "local":
        raise UsageError(f"{node.name} is this machine: it is reached without SSH", fix="nothing to trust")
    key = drive(host_key(node))
    if key.known == "same":
        click.echo(f"{node.name}: {key.algorithm} {key.fingerprint} is trusted already, in {key.file}")
        return Exit.DONE
    _show(node, key)
    if not accept and not can_ask():
        raise RefusedError(
            f"{node.name}: nobody is here to compare the fingerprint", fix="run it on a terminal, or with --yes"
        )
    if not accept and not _asked(key):
        raise RefusedError(f"{node.name}: the host key was not accepted", fix="find out why the fingerprint differs")
    file = drive(remember(node, key, replace=key.known == "other"))
    click.echo(f"{node.name}: trusted, in {file}")
    return Exit.DONE


def accepted(node: Node) -> bool:
    """Show the key of a node that is new and ask; whether it is trusted now. One that has changed stays refused."""
    try:
        key = drive(host_key(node))
    except FarmError:
        return False
    if key.known != "none":
        return False
    _show(node, key, err=True)
    if not _asked(key):
        return False
    drive(remember(node, key))
    return True


def _show(node: Node, key: HostKey, *, err: bool = False) -> None:
    if key.known == "other":
        click.echo(
            f"{node.name}: WARNING: its host key has CHANGED. Either the board was installed anew, or somebody answers "
            "in its place.",
            err=True,
        )
    click.echo(f"{node.name} shows this host key:\n  {key.algorithm}\n  {key.fingerprint}", err=err)
    click.echo("Compare it on the board's own screen: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub", err=err)


def _asked(key: HostKey) -> bool:
    return click.confirm(f"Trust it, and write it to {key.file}?", err=True)
