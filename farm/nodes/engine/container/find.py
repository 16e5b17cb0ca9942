"""The node's container as it should be, and the way to the engine that runs it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from farm.errors import RefusedError, UnreachableError
from farm.inventory import Node, authorities
from farm.nodes import shell
from farm.nodes.engine import liveness
from farm.nodes.engine.container.calls import CallError, Calls
from farm.nodes.engine.container.settings import NAME, Host, Settings, settings
from farm.nodes.engine.info_call import NotBuildKitError
from farm.nodes.engine.stream import Stream
from farm.nodes.facts import FoundEngine

if TYPE_CHECKING:
    from farm.nodes.ssh.session import Session

_COMMAND_SECONDS = 10.0
_MARK = "farm-group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """The container of one node: as it should be, and the way to whoever runs it. Without a session it is here."""

    node: Node
    host: Host
    wanted: Settings
    session: Session | None
    calls: Calls

    async def dial(self) -> Stream:
        """Connect to its BuildKit. Raises NotBuildKitError where that does not listen."""
        return await dial(self.wanted.socket, self.session)


async def find(node: Node, engine: FoundEngine, session: Session | None) -> Container:
    """Say what the node's container should be. Nothing is made.

    Raises UsageError for a CA that cannot be read here, UnreachableError where the engine does not answer.
    """
    certificates = await asyncio.to_thread(authorities.certificates, node.registries)
    calls = Calls(lambda: dial(engine.socket, session))
    with told(node, engine):
        info, group = await asyncio.gather(calls.info(), _group(engine.socket, session))
    host = Host.heard(engine, info, group)
    return Container(node=node, host=host, wanted=settings(node, host, certificates), session=session, calls=calls)


async def dial(socket: str, session: Session | None) -> Stream:
    """Connect to a socket of the node. Raises NotBuildKitError where nobody listens, UnreachableError if it is lost."""
    if session is None:
        return await liveness.dial(Path(socket))
    try:
        return await session.open(socket)
    except (UnreachableError, RefusedError) as error:
        if session.lost.is_set():
            raise
        raise NotBuildKitError(error.what) from error


async def _group(socket: str, session: Session | None) -> int | None:
    """The number of the group that may use the container as it may use the engine behind this socket of the node."""
    script = f'echo "{_MARK} $(stat -L -c %g -- {shlex.quote(socket)}) of $(id -g) $(id -G)"\n'
    done = await shell.run(session, script.encode(), timeout=_COMMAND_SECONDS)
    return joint_group(done.stdout)


def joint_group(said: str) -> int | None:
    """The group that owns the engine's socket, if the user is in it, else the user's own; None where nobody said.

    Whoever got to the socket by an access list is in no group of it.
    """
    found = re.search(rf"^{_MARK} (\d*) of (\d+(?: \d+)*)\s*$", said, re.MULTILINE)
    if found is None:
        return None
    own = found[2].split()
    is_joint = found[1] and (found[1] in own or own[0] == "0")
    return int(found[1] if is_joint else own[0])


@contextlib.contextmanager
def told(node: Node, engine: FoundEngine | Host) -> Iterator[None]:
    """What the engine did not answer, or refused, as farm's own errors."""
    name = engine.name if isinstance(engine, Host) else engine.engine.capitalize()
    try:
        yield
    except NotBuildKitError as error:
        raise UnreachableError(
            f"{node.name}: {name} at {engine.socket} cannot be used: {error}",
            fix=f"restart {name} on the node and look into its log",
        ) from error
    except CallError as error:
        raise UnreachableError(
            f"{node.name}: {name} cannot keep the container {NAME}: {error}",
            fix=f"look into {name}'s log on the node",
        ) from error
