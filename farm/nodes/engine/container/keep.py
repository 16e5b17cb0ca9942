"""Make the node's container what it must be, without taking it from under anybody's build."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from farm.errors import BusyError, RefusedError, UnreachableError
from farm.nodes import lease as leases
from farm.nodes.engine import liveness
from farm.nodes.engine.container import login
from farm.nodes.engine.container.calls import CallError, NameTakenError
from farm.nodes.engine.container.find import Container, told
from farm.nodes.engine.container.settings import NAME
from farm.nodes.engine.container.state import State, state
from farm.nodes.engine.info_call import NotBuildKitError
from farm.report.events import Emit, EnginePrepared, Warned

# How often somebody else's container may come between before it is given up.
_TURNS = 5
# One that somebody else is making, or taking away, is that for a moment.
_PASSING_SECONDS, _PAUSE_SECONDS = 20.0, 0.3
# For an answer of one that runs, and of one that was just started on a slow card.
_AWAKE_SECONDS, _START_SECONDS, _ASK_SECONDS = 10.0, 60.0, 5.0
_HOLDER = "farm, to make its BuildKit container anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A container whose BuildKit answers. `unheld` are limits of the inventory that its engine did not take."""

    version: str
    unheld: tuple[str, ...] = ()


async def look(container: Container) -> tuple[Kept | None, str]:
    """The container if it can be used as it is, and in words what `keep` would do. Nothing is changed."""
    with told(container.node, container.host):
        said = await container.calls.inspect()
    if said is None:
        return None, f"{NAME} will be made from {container.wanted.image}"
    now = state(said, container.wanted)
    version = await _version(container, now, within=_ASK_SECONDS) if now.is_running else None
    flaw = now.flaw or (None if version else "its BuildKit does not answer")
    if flaw or version is None:
        return None, f"{NAME} will be made anew: {flaw}"
    return Kept(version=version, unheld=now.unheld), f"{NAME} runs there"


async def keep(container: Container, *, emit: Emit) -> Kept:
    """Make the container if it is not there, and anew if it is broken or was made for other settings; wait for it.

    One in which somebody builds is left as it is, and told of. Raises BusyError where such a one does not answer,
    RefusedError where the image cannot be had without a login, UnreachableError where it comes to nothing.
    """
    with told(container.node, container.host):
        passing_until = time.monotonic() + _PASSING_SECONDS
        turns = 0
        while turns < _TURNS:
            said = await container.calls.inspect()
            now = state(said, container.wanted) if said is not None else None
            if now is not None and now.is_passing and time.monotonic() < passing_until:
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            turns += 1
            kept = await (_make(container, emit) if now is None else _mend(container, now, emit))
            if kept is not None:
                return kept
    raise UnreachableError(
        f"{container.node.name}: its container {NAME} is taken away again and again",
        fix="is another coordinator at it? Give all inventories the same settings for this node",
    )


async def _mend(container: Container, now: State, emit: Emit) -> Kept | None:
    """Use the container that is there, or put another in its place; None where somebody else has done so."""
    version = await _version(container, now, within=_AWAKE_SECONDS) if now.is_running else None
    flaw = now.flaw or (None if version else "its BuildKit does not answer")
    if version is not None and flaw is None:
        return Kept(version=version, unheld=now.unheld)
    # First of all: what there is must not go for an image that cannot be had.
    await _have_image(container, emit)
    # Nobody builds in one that does not run.
    async with _alone(container, emit) if now.is_running else contextlib.nullcontext(None) as others:
        if others is not None and version is None:
            what = f"{container.node.name}: BuildKit in its container does not answer, and {others}"
            raise BusyError(what, fix="wait until that build has ended")
        if others is not None:
            emit(Warned(message=f"{container.node.name}: {flaw}; used as it is, for {others}"))
            assert version is not None
            return Kept(version=version, unheld=now.unheld)
        _tell(container, emit, f"makes its container {NAME} anew, with the cache that it has: {flaw}")
        await container.calls.remove(now.id)
        return await _make(container, emit)


async def _make(container: Container, emit: Emit) -> Kept | None:
    """Make, start and hear it; None where somebody else was faster."""
    calls, wanted = container.calls, container.wanted
    await _have_image(container, emit)
    _tell(container, emit, f"starts BuildKit in its container {NAME}")
    try:
        made = await calls.create(wanted)
    except NameTakenError:
        return None
    try:
        await calls.put(made, wanted.files)
        await calls.start(made)
    except CallError as error:
        if error.status == 404:
            return None
        # What was made and cannot be started would only be in the way.
        await calls.remove(made)
        raise
    said = await calls.inspect()
    if said is None:
        return None
    now = state(said, wanted)
    version = await _version(container, now, within=_START_SECONDS)
    if version is None:
        raise UnreachableError(
            f"{container.node.name}: BuildKit was started in its container {NAME} and does not answer",
            fix=f"look at what it says there: {container.host.name.lower()} logs {NAME}",
            details=await calls.last_words(),
        )
    return Kept(version=version, unheld=now.unheld)


async def _have_image(container: Container, emit: Emit) -> None:
    if not await container.calls.has_image(container.wanted.image):
        _tell(container, emit, f"pulls {container.wanted.image}")
        await _pull(container)


async def _pull(container: Container) -> None:
    """First as anybody; a login is shown only to a registry that wants one."""
    image = container.wanted.image
    what = f"{container.node.name}: its {container.host.name} cannot pull {image}"
    try:
        await container.calls.pull(image, None)
    except CallError as error:
        if not login.is_wanted(str(error)):
            fix = f"pull it on the node by hand, or name one with `image:` that {container.host.name} there can reach"
            raise UnreachableError(f"{what}: {error}", fix=fix) from error
        fix = f"run: docker login {image.domain}"
        header = await login.header(image.domain)
        if header is None:
            raise RefusedError(f"{what}: {error}", fix=fix) from error
        try:
            await container.calls.pull(image, header)
        except CallError as refused:
            raise RefusedError(f"{what} with this machine's login for {image.domain}: {refused}", fix=fix) from refused


async def _version(container: Container, now: State, *, within: float) -> str | None:
    """The version of its BuildKit; None if that says none in time (seconds), or ends as often as it is started."""
    until = time.monotonic() + within
    while True:
        with contextlib.suppress(NotBuildKitError):
            return await liveness.version(await container.dial(), within=_ASK_SECONDS)
        if time.monotonic() > until:
            return None
        said = await container.calls.inspect()
        again = state(said, container.wanted) if said is not None else None
        if again is None or again.restarts > now.restarts + 1 or not (again.is_running or again.is_passing):
            return None
        await asyncio.sleep(_PAUSE_SECONDS)


@contextlib.asynccontextmanager
async def _alone(container: Container, emit: Emit) -> AsyncIterator[str | None]:
    """Hold all of the node's slots for as long as the block runs; who else holds one, in words, if somebody does.

    A build holds a slot while it runs (farm.nodes.lease). A node that cannot lease cannot tell either.
    """
    others: str | None = None
    async with contextlib.AsyncExitStack() as stack:
        try:
            for _ in range(container.node.slots):
                lease = await leases.lease(container.session, container.node, holder=_HOLDER, wait=None, emit=emit)
                stack.push_async_callback(lease.close)
        except BusyError as error:
            others = error.what
        yield others


def _tell(container: Container, emit: Emit, what: str) -> None:
    emit(EnginePrepared(node=container.node.name, what=f"{container.host.name} {what}"))
