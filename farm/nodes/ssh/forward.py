"""A node's Unix socket, here: as a stream to one connection, or as a local socket that anybody may dial."""

from __future__ import annotations

from pathlib import Path

import asyncssh


class RemoteSocket:
    """One connection to a Unix socket on the node."""

    def __init__(self, reader: asyncssh.SSHReader[bytes], writer: asyncssh.SSHWriter[bytes]) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, limit: int) -> bytes:
        """Up to `limit` bytes, as soon as there are any; b"" at the end. Raises OSError if the connection breaks."""
        try:
            return await self._reader.read(limit)
        except asyncssh.Error as error:
            raise ConnectionResetError(str(error)) from error

    def write(self, data: bytes) -> None:
        """Send data without waiting. Raises OSError on a broken connection."""
        self._writer.write(data)

    async def drain(self) -> None:
        """Wait until the node has taken enough of what was written. Raises OSError if the connection breaks."""
        try:
            await self._writer.drain()
        except asyncssh.Error as error:
            raise ConnectionResetError(str(error)) from error

    def close(self) -> None:
        """End the connection."""
        self._writer.close()


class Forward:
    """A local socket whose connections end at a socket on the node."""

    def __init__(self, listener: asyncssh.SSHListener, local: Path) -> None:
        self.local = local
        self._listener = listener

    async def close(self) -> None:
        """Take no more connections and remove the socket file, which asyncssh leaves behind."""
        self._listener.close()
        self.local.unlink(missing_ok=True)
