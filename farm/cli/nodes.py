"""`farm nodes` and `farm nodes trust`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from farm.cli.options import inventory_option, json_option, node_options, timeout_option
from farm.errors import Exit


class _Nodes(click.Group):
    """A group whose only command is easily mistaken for a list of nodes."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say how a node is named."""
        if args[0] not in self.commands and not args[0].startswith("-"):
            raise click.UsageError(f"No such command {args[0]!r}. For one node write: farm nodes --node {args[0]}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Nodes, invoke_without_command=True, epilog="Exit codes: 0 every node is usable, 4 or 5 if one is not."
)
@inventory_option
@node_options
@timeout_option(5, "How long a node may take to answer.")
@json_option
@click.pass_context
def nodes(context: click.Context, /, **flags: Any) -> Exit:
    """List the nodes and how they are: platforms, engine, CPU, memory, load, disk, temperature.

    \b
    Examples:
      farm nodes
      farm nodes --json | jq '.nodes[] | select(.error)'
      farm nodes trust pi4        accept a new board's host key
    """
    if context.invoked_subcommand is not None:
        context.obj = flags["inventory"]
        return Exit.DONE
    from farm.cli import run_nodes

    return run_nodes.show(flags)


@nodes.command()
@click.argument("node")
@inventory_option
@click.option("--yes", is_flag=True, help="Do not ask. Only where you know the network to be yours.")
@click.pass_obj
def trust(from_group: Path | None, node: str, inventory: Path | None, yes: bool) -> Exit:
    """Show the fingerprint of NODE's host key, ask, and remember the key in its known_hosts file.

    Compare the fingerprint with what the board itself says:
    `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on its own screen.

    \b
    Example:
      farm nodes trust pi4
    """
    from farm.cli import run_nodes

    return run_nodes.trust(inventory or from_group, node, accept=yes)
