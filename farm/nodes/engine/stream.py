"""An open connection to an engine's socket, near or far: the one shape in which engines are spoken to."""

from __future__ import annotations

import asyncio
from typing import Protocol


class Stream(Protocol):
    """A connection to a socket. All raise OSError where it breaks."""

    async def read(self, limit: int, /) -> bytes:
        """Some bytes, b"" at the end."""

    def write(self, data: bytes, /) -> None:
        """Send, without waiting."""

    async def drain(self) -> None:
        """Wait until the other side has taken enough of what was written."""

    def close(self) -> None:
        """End the connection once all is sent."""


class LocalStream:
    """A connection on this machine."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, limit: int, /) -> bytes:
        """Some bytes, b"" at the end."""
        return await self._reader.read(limit)

    def write(self, data: bytes, /) -> None:
        """Send, without waiting."""
        self._writer.write(data)

    async def drain(self) -> None:
        """Wait until the other side has taken enough of what was written."""
        await self._writer.drain()

    def close(self) -> None:
        """End the connection once all is sent."""
        self._writer.close()
