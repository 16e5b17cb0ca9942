"""Take one look at a node, or at this machine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from farm.errors import UnreachableError
from farm.nodes import shell
from farm.nodes.facts import FoundEngine
from farm.nodes.probe.answers import UnusableAnswerError
from farm.nodes.sample import parse
from farm.nodes.sample.sample import Sample

if TYPE_CHECKING:
    from farm.nodes.ssh.session import Session


async def sample(session: Session | None, engines: Iterable[FoundEngine], *, timeout: float) -> Sample:  # noqa: ASYNC109 - as everywhere
    """How a node with these engines is now; without a session, this machine.

    Raises UnreachableError where the node is lost, is silent for `timeout` seconds, or answers something else, and
    RefusedError where its SSH server starts no further command.
    """
    completed = await shell.run(session, shell.script(__package__).encode(), timeout=timeout)
    try:
        return parse.sample(completed.stdout, engines)
    except UnusableAnswerError as error:
        raise UnreachableError(f"the node did not say how it is: {error}") from error
