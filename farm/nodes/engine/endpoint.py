"""A node's BuildKit as a local Unix socket: all that anybody above needs to know of an engine."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from farm.errors import FarmError, UnreachableError
from farm.inventory import Node
from farm.nodes.engine import liveness
from farm.nodes.engine.choose import choose
from farm.nodes.engine.info_call import NotBuildKitError
from farm.nodes.facts import Facts

if TYPE_CHECKING:
    from farm.nodes.ssh.forward import Forward
    from farm.nodes.ssh.session import Session

# sun_path in unix(7) is 108 bytes with its final NUL.
_LONGEST_PATH = 107


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A socket on the coordinator behind which the node's BuildKit answers; `version` is that BuildKit's."""

    node: str
    engine: str
    version: str
    socket: Path
    _forward: Forward | None = field(default=None, repr=False, compare=False)

    async def close(self) -> None:
        """Remove what was made for it; a `local` engine's own socket stays."""
        if self._forward is not None:
            await self._forward.close()


async def open_endpoint(node: Node, facts: Facts, session: Session | None, directory: Path) -> Endpoint:
    """Bring the node's engine to a local socket and hear it answer there.

    With a session, the socket is made in `directory`, which must be the caller's own (0700) and short; without one the
    engine is on this machine and its own socket is given back.

    Raises RefusedError or UnreachableError where the engine cannot be used, FarmError where the socket cannot be made.
    """
    engine = choose(node, facts)
    if session is None:
        return Endpoint(
            node=node.name,
            engine="local",
            version=await _version(node, Path(engine.socket)),
            socket=Path(engine.socket),
        )
    forward = await session.forward(engine.socket, _place(node, directory))
    try:
        version = await _version(node, forward.local)
    except BaseException:
        await forward.close()
        raise
    return Endpoint(node=node.name, engine=engine.engine, version=version, socket=forward.local, _forward=forward)


async def _version(node: Node, socket: Path) -> str:
    try:
        return await liveness.version(await liveness.dial(socket))
    except NotBuildKitError as error:
        raise UnreachableError(f"{node.name}: BuildKit does not answer: {error}", fix=error.fix) from error


def _place(node: Node, directory: Path) -> Path:
    # Names are checked by the inventory; whoever comes another way must not leave the directory either.
    place = directory / f"{re.sub(r'[^A-Za-z0-9._-]', '_', node.name)}.sock"
    if len(bytes(place)) > _LONGEST_PATH:
        raise FarmError(
            f"{place} is too long for a socket: {len(bytes(place))} bytes of at most {_LONGEST_PATH}",
            fix="set XDG_RUNTIME_DIR to a short directory of your own",
        )
    return place
