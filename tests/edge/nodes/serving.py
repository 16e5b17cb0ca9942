"""Small servers in this process that say what a test wants, and leave nothing open when its block ends."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(handle: Handle, place: Path | None = None) -> AsyncIterator[int]:
    """Serve on a Unix socket at `place`, or on a loopback port, which is given back."""
    connections: list[tuple[asyncio.Task[None] | None, asyncio.StreamWriter]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append((asyncio.current_task(), writer))
        with contextlib.suppress(ConnectionError):
            await handle(reader, writer)
        writer.close()

    if place is not None:
        server = await asyncio.start_unix_server(serve, place)
    else:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield 0 if place is not None else server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task, writer in connections:
            if task is not None:
                task.cancel()
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take a connection and never say a word, as a frozen daemon does."""
    del reader, writer
    await asyncio.sleep(3600)


def leave_socket(place: Path) -> None:
    """A socket file that nobody listens on, as a killed program leaves it."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(place))
