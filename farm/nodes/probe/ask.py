"""Put the question to a node, or to this machine, and hear what its engines say themselves."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from farm.errors import RefusedError, UnreachableError
from farm.inventory import Node
from farm.nodes import shell
from farm.nodes.engine import docker_api, liveness
from farm.nodes.engine.docker_info import NotDockerError
from farm.nodes.engine.info_call import NotBuildKitError
from farm.nodes.engine.stream import Stream
from farm.nodes.facts import Facts, FoundEngine
from farm.nodes.probe import parse
from farm.nodes.probe.answers import UnusableAnswerError

if TYPE_CHECKING:
    from farm.nodes.ssh.session import Session

# A daemon that is awake answers in milliseconds, a board under load in tenths of a second.
_ENGINE_SECONDS = 3.0
# A daemon that is asked for something that it does not speak hangs up at once.
_KIND_SECONDS = 1.5
_RESTRICTED = "log in with ssh and run `sh`: the account needs a shell (no ForceCommand, no nologin)"


async def probe(session: Session, node: Node, *, timeout: float = 10.0) -> Facts:  # noqa: ASYNC109 - as everywhere
    """The facts of a node: one command, and one question to each BuildKit socket that it found.

    Raises UnreachableError where the node is lost, is silent for `timeout` seconds, or answers something else.
    """

    async def dial(socket: str) -> Stream:
        try:
            return await session.open(socket)
        except (UnreachableError, RefusedError) as error:
            if session.lost.is_set():
                raise
            raise NotBuildKitError(
                "nobody listens there, or the SSH server allows no tunnel to it",
                fix="start its daemon on the node, and set `AllowStreamLocalForwarding yes` in its sshd_config",
            ) from error

    return await _facts(node, _own_sockets(node), session, dial, within=timeout)


async def probe_local(node: Node, *, timeout: float = 10.0) -> Facts:  # noqa: ASYNC109 - as everywhere
    """The same for this machine, without SSH. BUILDKIT_HOST and DOCKER_HOST may name sockets too."""

    async def dial(socket: str) -> Stream:
        return await liveness.dial(Path(socket))

    named = {"FARM_SOCKET": _unix_path("BUILDKIT_HOST"), "FARM_DOCKER": _unix_path("DOCKER_HOST")}
    return await _facts(node, named | _own_sockets(node), None, dial, within=timeout)


async def _facts(
    node: Node,
    sockets: Mapping[str, str | None],
    session: Session | None,
    dial: Callable[[str], Awaitable[Stream]],
    *,
    within: float,
) -> Facts:
    script = shell.script(__package__)
    prefix = "".join(f"{name}={shlex.quote(socket)}\n" for name, socket in sockets.items() if socket)
    before = time.time()
    completed = await shell.run(session, (prefix + script).encode(), timeout=within)
    try:
        facts = parse.facts(completed.stdout, node=node.name, now=(before + time.time()) / 2)
    except UnusableAnswerError as error:
        raise UnreachableError(
            f"{node.name}: the node did not say what it is: {error}",
            fix=_RESTRICTED,
            details=tuple(completed.stderr.strip().splitlines()[-3:]),
        ) from error
    engines = await asyncio.gather(*(_heard(engine, node, dial) for engine in facts.engines))
    return replace(facts, engines=tuple(engines))


async def _heard(engine: FoundEngine, node: Node, dial: Callable[[str], Awaitable[Stream]]) -> FoundEngine:
    """The engine with what the daemon behind its socket says."""
    if engine.problem is not None:
        return engine
    try:
        if engine.engine in ("docker", "podman"):
            return await docker_api.ask(engine, await dial(engine.socket), within=_ENGINE_SECONDS)
        if engine.socket == node.socket and node.engine != "buildkitd":
            # The inventory names a socket and not what listens there: a new Docker answers as BuildKit, too.
            with contextlib.suppress(NotDockerError):
                return await docker_api.ask(engine, await dial(engine.socket), within=_KIND_SECONDS)
        return replace(engine, version=await liveness.version(await dial(engine.socket), within=_ENGINE_SECONDS))
    except NotBuildKitError as error:
        return replace(engine, problem=str(error), fix=error.fix)


def _own_sockets(node: Node) -> dict[str, str | None]:
    """The inventory's socket, under the name by which the script knows what it is for."""
    if node.socket is None:
        return {}
    return {"FARM_DOCKER" if node.engine in ("docker", "container") else "FARM_SOCKET": node.socket}


def _unix_path(variable: str) -> str | None:
    address = os.environ.get(variable, "")
    return address.removeprefix("unix://") if address.startswith("unix://") else None
