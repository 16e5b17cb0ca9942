"""What is done to one board on its way to a node: root's shell there, no builds meanwhile, a restart and its end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

from farm.errors import UnreachableError
from farm.inventory import Node
from farm.nodes.lease import Lease, lease
from farm.nodes.probe.answers import UnusableAnswerError
from farm.nodes.reach import Reached, reach
from farm.provision import board as boards
from farm.provision.become import Rights, rights
from farm.provision.board import Board
from farm.provision.carry_out import Root
from farm.report.events import Event, Warned

if TYPE_CHECKING:
    from farm.nodes.ssh.session import Session
    from farm.provision.connection import Shell

_LOOK_SECONDS = 30.0
_BUILD_ENDS_SECONDS = 1800.0
_RESTART_SECONDS = 300.0
_RESTART_POLL_SECONDS = 3.0

Say = Callable[[str], None]
"""Tells people a line about the board."""


@contextlib.asynccontextmanager
async def reached(node: Node) -> AsyncIterator[Reached]:
    """The node, its host key checked, for as long as the block runs. Raises as `reach` does."""
    # A board that still starts may be slow to answer the probe.
    found = await reach(node, probe_timeout=_LOOK_SECONDS)
    try:
        yield found
    finally:
        await found.close()


@contextlib.asynccontextmanager
async def root(node: Node, session: Session, password: Callable[[], Awaitable[str]], say: Say) -> AsyncIterator[Root]:
    """Root's shell on the node. `password` is awaited where sudo wants one. Raises UnreachableError or RefusedError."""
    shell = await _second_connection(node, session)
    try:
        loop = asyncio.get_running_loop()
        granted = await asyncio.to_thread(_rights, node, shell, password, loop)
        yield Root(node.name, shell, granted, say)
    finally:
        shell.close()


def _rights(
    node: Node, shell: Shell, password: Callable[[], Awaitable[str]], loop: asyncio.AbstractEventLoop
) -> Rights:
    async def asked() -> str:
        return await password()

    return rights(
        node.name,
        lambda command, script, within: shell.run(command, script, within=within),
        lambda: asyncio.run_coroutine_threadsafe(asked(), loop).result(),
    )


async def _second_connection(node: Node, session: Session) -> Shell:
    from farm.nodes.ssh.target import resolve, resolve_jump

    target = await resolve(node)
    hops = [*[await resolve_jump(node, jump) for jump in target.jumps], target]

    def connected() -> Shell:
        from farm.provision.connection import connect  # takes 0.3 s to load, and more on a board

        return connect(hops, session.host_keys)

    return await asyncio.to_thread(connected)


async def look(root: Root) -> Board:
    """What the board is. Raises UnreachableError where it does not say."""
    done = await root.ask(boards.ASK, within=_LOOK_SECONDS)
    try:
        return boards.read(done.stdout)
    except UnusableAnswerError as error:
        raise UnreachableError(
            f"{root.node}: the board did not say what it is: {error}",
            fix="log in with ssh and run `sudo sh` there",
            details=tuple(done.stderr.strip().splitlines()[-3:]),
        ) from error


@contextlib.asynccontextmanager
async def undisturbed(node: Node, session: Session | None, say: Say) -> AsyncIterator[None]:
    """Hold all slots of the node, so that no build runs there meanwhile. Raises BusyError after half an hour."""

    def emit(event: Event) -> None:
        if isinstance(event, Warned):
            say(event.message.removeprefix(f"{node.name}: "))

    held: list[Lease] = []
    try:
        while len(held) < node.slots:
            held.append(await lease(session, node, holder="farm provision", wait=_BUILD_ENDS_SECONDS, emit=emit))
        yield
    finally:
        for each in held:
            await each.close()


async def restart(node: Node, root: Root, session: Session, before: Board, say: Say) -> None:
    """Restart the board once no build runs there, and wait for it. Raises UnreachableError if it stays away."""
    async with undisturbed(node, session, say):
        say("restarting it")
        # In a moment, so that this very command has ended before its connection does.
        await root.ask("(sleep 1; systemctl reboot) >/dev/null 2>&1 &\n", within=_LOOK_SECONDS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_RESTART_SECONDS):
                await session.lost.wait()
    try:
        async with asyncio.timeout(_RESTART_SECONDS):
            while not await _is_anew(node, before):  # noqa: ASYNC110 - nobody here is told of it
                await asyncio.sleep(_RESTART_POLL_SECONDS)
    except TimeoutError as error:
        raise UnreachableError(
            f"{node.name}: it has not come back {_RESTART_SECONDS:g} s after its restart",
            fix="look at the board, and run it again: it goes on from there",
        ) from error


async def _is_anew(node: Node, before: Board) -> bool:
    with contextlib.suppress(UnreachableError):
        async with reached(node) as found:
            assert found.session is not None
            now = boards.boot((await found.session.run(boards.BOOT, timeout=_LOOK_SECONDS)).stdout)
            return now not in ("", before.boot)
    return False
