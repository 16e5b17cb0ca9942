"""A command on the node that lasts, and that is talked with."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import asyncssh

# What a command needs at most to end after its input has.
_FAREWELL_SECONDS = 1.0


class RemoteProcess:
    """A running command: text lines in and out. `ended` is called once, when it is closed."""

    def __init__(self, process: asyncssh.SSHClientProcess[bytes], ended: Callable[[], None]) -> None:
        self._process = process
        self._ended: Callable[[], None] | None = ended

    async def line(self) -> str:
        """The next line of its output, without its end; "" where it has ended or is lost (an empty line is skipped)."""
        try:
            while received := await self._process.stdout.readline():
                if text := received.decode("utf-8", "replace").strip():
                    return text
        except (asyncssh.Error, OSError):
            pass
        return ""

    def send(self, data: bytes) -> None:
        """Write to its input, without waiting. Raises OSError where it has ended or is lost."""
        self._process.stdin.write(data)

    async def close(self) -> None:
        """End its input and wait a second for its end; then it is sent SIGTERM. May be called twice."""
        if self._ended is None:
            return
        ended, self._ended = self._ended, None
        try:
            with contextlib.suppress(TimeoutError, asyncssh.Error, OSError):
                async with asyncio.timeout(_FAREWELL_SECONDS):
                    self._process.stdin.write_eof()
                    await self._process.wait_closed()
        finally:
            ended()
