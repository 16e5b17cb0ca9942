"""Trusting a node's host key: show it, then remember it. Asking the user is for the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from farm.inventory import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKey:
    """A node's host key as the node itself shows it, which proves nothing until somebody compares the fingerprint.

    `line` is what `file` would hold for it. `known` says what is trusted for this host now: the same key, another
    one, or none.
    """

    algorithm: str
    fingerprint: str
    line: str
    file: Path
    known: Literal["same", "other", "none"]


async def host_key(node: Node, *, connect_timeout: float = 10.0) -> HostKey:
    """Ask the node for its host key without logging in.

    Raises UnreachableError where it does not answer, RefusedError where a jump host on the way is not trusted,
    UsageError where ~/.ssh/config cannot be used.
    """
    from farm.nodes.ssh import connect, known_hosts

    target, key = await connect.host_key(node, connect_timeout=connect_timeout)
    keys = known_hosts.keys_for(target, known_hosts.load(target))
    return HostKey(
        algorithm=key.get_algorithm(),
        fingerprint=key.get_fingerprint(),
        line=known_hosts.line(target, key),
        file=target.known_hosts[0],
        known="same" if key in keys else "other" if keys else "none",
    )


async def remember(node: Node, key: HostKey, *, replace: bool = False) -> Path:
    """Trust this key from now on; gives back the file that it was written to (made 0600 if new).

    Raises RefusedError if another key is known for the host and `replace` is not set, FarmError if the file cannot be
    written, UsageError where ~/.ssh/config cannot be used.
    """
    from farm.nodes.ssh import known_hosts, target

    return known_hosts.remember(await target.resolve(node), key.line, replace=replace)
