"""Lets blocking code in a thread read a stream that is made in the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future

Read = Callable[[], bytes]
"""Gives the next bytes of the stream, none at its end."""


async def in_thread(chunks: AsyncGenerator[bytes], limit: int, work: Callable[[Read], None]) -> int:
    """Run `work` in a thread with a way to read the stream; the answer is the number of bytes it took.

    Reading ends `work` once `limit` bytes are taken. A cancelled task takes its thread along at once.
    """
    feed = _Feed(chunks, limit)
    running = asyncio.ensure_future(asyncio.to_thread(feed.run, work))
    try:
        await asyncio.shield(running)
    finally:
        feed.stop()
        await asyncio.wait([running])
        await feed.idle.wait()  # only then may the caller close the stream
    return feed.taken


class _Enough(Exception):  # noqa: N818  # not an error: the bytes that may be read are used up
    """No more bytes: the limit is reached, or nobody waits any more."""


class _Feed:
    def __init__(self, chunks: AsyncGenerator[bytes], limit: int) -> None:
        self._chunks = chunks
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._waiting: Future[bytes] | None = None
        self._stopped = threading.Event()
        self.taken = 0
        self.idle = asyncio.Event()
        self.idle.set()

    def run(self, work: Callable[[Read], None]) -> None:
        """Called in the thread."""
        with contextlib.suppress(_Enough):
            work(self._read)

    def stop(self) -> None:
        """Let the thread go; called in the event loop."""
        self._stopped.set()
        if self._waiting:
            self._waiting.cancel()

    def _read(self) -> bytes:
        if self._stopped.is_set() or self.taken >= self._limit:
            raise _Enough
        self._waiting = asyncio.run_coroutine_threadsafe(self._next(), self._loop)
        if self._stopped.is_set():  # between the look above and now
            self._waiting.cancel()
        chunk = self._waiting.result()
        self.taken += len(chunk)
        return chunk

    async def _next(self) -> bytes:
        self.idle.clear()
        try:
            return await anext(self._chunks, b"")
        finally:
            self.idle.set()
