"""A script for a node's shell, whatever its user's login shell is."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from farm.nodes import local
from farm.nodes.completed import Completed

if TYPE_CHECKING:
    from farm.nodes.ssh.session import Session

COMMAND = "exec sh -s"
"""Every login shell reads these words alike, so that a script on its input never meets fish's or csh's quoting."""


def script(package: str) -> str:
    """The script.sh of one of the rooms that read what a node says, and what all of them read it with."""
    places = ((__package__, "readings.sh"), (package, "script.sh"))
    return "".join(resources.files(room).joinpath(name).read_text(encoding="utf-8") for room, name in places)


async def run(session: Session | None, script: bytes, *, timeout: float) -> Completed:  # noqa: ASYNC109 - as everywhere
    """Run a POSIX shell script on the node to its end; without a session, on this machine.

    Raises UnreachableError where the node is lost or `timeout` seconds are over, RefusedError where its SSH server
    starts no further command.
    """
    if session is None:
        return await local.run("sh", "-s", input=script, timeout=timeout)
    return await session.run(COMMAND, input=script, timeout=timeout)
