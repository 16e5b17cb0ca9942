"""A local socket that speaks BuildKit, in front of a Docker Engine that does so only after an HTTP upgrade."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from farm.errors import FarmError
from farm.nodes.engine import docker_api
from farm.nodes.engine.info_call import NotBuildKitError
from farm.nodes.engine.stream import LocalStream, Stream

Dial = Callable[[], Awaitable[Stream]]
"""Opens a connection to the engine's socket. Raises FarmError or NotBuildKitError where it cannot."""

_CHUNK = 1 << 18
# Until the engine has agreed. Whoever dialled may have given up meanwhile, and a frozen engine never answers.
_AGREE_SECONDS = 10.0


class Upgraded:
    """Each connection to `local` is one to the engine's BuildKit. Made by `listen`."""

    def __init__(self, local: Path, dial: Dial) -> None:
        self.local = local
        self._dial = dial
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        """Take connections. A socket file left at `local` is replaced. Raises FarmError where it cannot be made."""
        try:
            self.local.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._accept, str(self.local), limit=_CHUNK)
        except OSError as error:
            raise FarmError(
                f"cannot listen on {self.local}: {error.strerror or error}",
                fix="set XDG_RUNTIME_DIR to a short path that you may write to",
            ) from error

    async def close(self) -> None:
        """Take no more connections, end those that are open, and remove the socket file."""
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self.local.unlink(missing_ok=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of its own: asyncio's would outlive the server.
        connection = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection. Whatever goes wrong, whoever dialled sees it end, as with any socket."""
        try:
            with contextlib.suppress(FarmError, NotBuildKitError, OSError):
                await self._carry(LocalStream(reader, writer))
            writer.close()
            # What came last is still on its way to a client that reads slowly.
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        finally:
            writer.transport.abort()

    async def _carry(self, near: Stream) -> None:
        async with asyncio.timeout(_AGREE_SECONDS) as limit, contextlib.AsyncExitStack() as stack:
            far = await self._dial()
            stack.callback(far.close)
            near.write(await docker_api.upgrade(far))
            limit.reschedule(None)
            await _either(_pump(near, far), _pump(far, near))


async def _either(*ways: Awaitable[None]) -> None:
    """Until the first of them ends: neither side of HTTP/2 has anything to hear once it has hung up."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pump(source: Stream, target: Stream) -> None:
    """Carry bytes one way, no faster than the target takes them."""
    while chunk := await source.read(_CHUNK):
        target.write(chunk)
        await target.drain()
