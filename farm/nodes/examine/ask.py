"""Put the doctor's questions to a node, or to this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farm.errors import UnreachableError
from farm.inventory import Node
from farm.nodes import shell
from farm.nodes.examine import parse
from farm.nodes.examine.condition import Condition
from farm.nodes.probe.answers import UnusableAnswerError

if TYPE_CHECKING:
    from farm.nodes.ssh.session import Session


async def examine(session: Session | None, node: Node, *, timeout: float = 10.0) -> Condition:  # noqa: ASYNC109 - as everywhere
    """The condition of a node that is connected; without a session, of this machine.

    Raises UnreachableError where the node is lost, is silent for `timeout` seconds, or answers something else, and
    RefusedError where its SSH server starts no further command.
    """
    completed = await shell.run(session, shell.script(__package__).encode(), timeout=timeout)
    try:
        return parse.condition(completed.stdout)
    except UnusableAnswerError as error:
        raise UnreachableError(
            f"{node.name}: the node did not say how it is: {error}", fix="log in with ssh and run `sh` there"
        ) from error
