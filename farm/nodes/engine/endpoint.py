"""A node's BuildKit as a local Unix socket: all that anybody above needs to know of an engine."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from farm.errors import FarmError, UnreachableError
from farm.inventory import Limits, Node
from farm.nodes.engine import liveness
from farm.nodes.engine.choose import choose
from farm.nodes.engine.info_call import NotBuildKitError, SpeaksHttpError
from farm.nodes.engine.step_limits import StepLimits, step_limits
from farm.nodes.engine.stream import Stream
from farm.nodes.engine.upgraded import Dial, Upgraded
from farm.nodes.facts import Facts, FoundEngine
from farm.nodes.settings import buildkitd_toml
from farm.report.events import Emit, Event, Warned

if TYPE_CHECKING:
    from farm.nodes.ssh.session import Session

# sun_path in unix(7) is 108 bytes with its final NUL.
_LONGEST_PATH = 107
# Docker would keep an untagged image of every build (BuildKit, exporter/containerimage: `store`).
_OUTPUT_ATTRIBUTES = {"docker": (("store", "false"),)}
# What `farm provision` has set up says so in its unit. These are words that every login shell reads alike.
_PROVISIONED = "grep -qs farm.provision /etc/systemd/system/buildkit.service"
_COMMAND_SECONDS = 10.0


class _Bridge(Protocol):
    """A local socket that was made, and is taken away again."""

    @property
    def local(self) -> Path:
        """Where it is."""

    async def close(self) -> None:
        """Take it away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A socket on the coordinator behind which the node's BuildKit answers.

    `engine` and `version` are what runs that BuildKit there, `why` the reason for this engine in words.
    `output_attributes` are what an image output on this node must say besides, `resources` the limits that each step
    there must be told (values of `--resource`).
    """

    node: str
    engine: str
    version: str
    socket: Path
    why: str = ""
    output_attributes: tuple[tuple[str, str], ...] = ()
    resources: tuple[str, ...] = ()
    _bridge: _Bridge | None = field(default=None, repr=False, compare=False)

    async def close(self) -> None:
        """Remove what was made for it; an engine's own socket on this machine stays."""
        if self._bridge is not None:
            await self._bridge.close()


def _nobody(_event: Event) -> None:
    pass


async def open_endpoint(
    node: Node, facts: Facts, session: Session | None, directory: Path, *, emit: Emit = _nobody
) -> Endpoint:
    """Bring the node's engine to a local socket and hear it answer there.

    A BuildKit in a container is made first where it is not there as it should be. Sockets are made in `directory`,
    which must be the caller's own (0700) and short. Without a session the engine is on this machine, and its own socket
    is given back where it speaks BuildKit as it is.

    Raises RefusedError, UnreachableError or BusyError where the engine cannot be used, UsageError for a CA or an image
    that cannot be, FarmError where the socket cannot be made.
    """
    choice = choose(node, facts)
    engine = choice.engine
    limits: StepLimits | None = None
    if choice.in_container:
        from farm.nodes.engine.container import find, keep

        container = await find.find(node, engine, session)
        limits = StepLimits(unheld=(await keep.keep(container, emit=emit)).unheld)
        engine = FoundEngine(engine="container", socket=container.wanted.socket)
    bridge = await _bridged(node, engine, session, directory)
    socket = Path(engine.socket) if bridge is None else bridge.local
    try:
        version = await liveness.version(await liveness.dial(socket))
        limits = limits or await _step_limits(node, engine, version, session)
    except BaseException as error:
        if bridge is not None:
            await bridge.close()
        if isinstance(error, NotBuildKitError):
            raise _no_answer(node, engine, error) from error
        raise
    if limits.unheld:
        emit(Warned(message=_words(node, choice.why, limits.unheld, in_container=choice.in_container)))
    return Endpoint(
        node=node.name,
        engine=engine.engine,
        version=engine.version if engine.engine == "docker" and engine.version else version,
        socket=socket,
        why=choice.why,
        output_attributes=_OUTPUT_ATTRIBUTES.get(engine.engine, ()),
        resources=limits.resources,
        _bridge=bridge,
    )


async def _step_limits(node: Node, engine: FoundEngine, buildkit: str, session: Session | None) -> StepLimits:
    """The limits that its steps must be told: none where the units of `farm provision` hold them for all builds."""
    if node.limits == Limits():
        return StepLimits()
    if session is not None and engine.socket == buildkitd_toml.SOCKET:
        done = await session.run(_PROVISIONED, timeout=_COMMAND_SECONDS)
        if done.exit_status == 0:
            return StepLimits()
    return step_limits(
        node.limits,
        buildkit=buildkit,
        docker=engine.version if engine.engine == "docker" else None,
        is_rootless=engine.engine == "buildkitd" and engine.socket.startswith("/run/user/"),
    )


def _words(node: Node, why: str, unheld: tuple[str, ...], *, in_container: bool) -> str:
    names = " and ".join(f"`{name}`" for name in unheld)
    instead = "" if in_container else "; `engine: container` holds them, and a buildkitd of `farm provision`"
    return f"{node.name}: nothing holds the limits {names} there ({why.partition(';')[0]}){instead}"


async def _bridged(node: Node, engine: FoundEngine, session: Session | None, directory: Path) -> _Bridge | None:
    """What stands between a local socket and the engine; None where the engine's own socket will do."""

    async def dial() -> Stream:
        return await (liveness.dial(Path(engine.socket)) if session is None else session.open(engine.socket))

    if engine.engine == "docker" and await _wants_upgrade(node, engine, dial):
        upgraded = Upgraded(_place(node, directory), dial)
        await upgraded.listen()
        return upgraded
    return None if session is None else await session.forward(engine.socket, _place(node, directory))


async def _wants_upgrade(node: Node, engine: FoundEngine, dial: Dial) -> bool:
    try:
        await liveness.version(await dial())
    except SpeaksHttpError:
        return True
    except NotBuildKitError as error:
        raise _no_answer(node, engine, error) from error
    return False


def _no_answer(node: Node, engine: FoundEngine, error: NotBuildKitError) -> UnreachableError:
    fix = "restart Docker on the node and look into its log" if engine.engine == "docker" else error.fix
    return UnreachableError(f"{node.name}: BuildKit does not answer: {error}", fix=fix)


def _place(node: Node, directory: Path) -> Path:
    # Names are checked by the inventory; whoever comes another way must not leave the directory either.
    place = directory / f"{re.sub(r'[^A-Za-z0-9._-]', '_', node.name)}.sock"
    if len(bytes(place)) > _LONGEST_PATH:
        raise FarmError(
            f"{place} is too long for a socket: {len(bytes(place))} bytes of at most {_LONGEST_PATH}",
            fix="set XDG_RUNTIME_DIR to a short directory of your own",
        )
    return place
