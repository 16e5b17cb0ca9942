"""The builds that one node may run at the same time for this run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Slots:
    """A node's slots: a build takes one, or all of them where it must be alone.

    Nobody waits for a slot with another one in hand, but for the one build at a time that collects them all; those
    that hold a slot end without asking for more, so that it gets them.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._waiting = 0
        self._free = asyncio.Semaphore(count)
        self._collecting = asyncio.Lock()

    @property
    def are_wanted(self) -> bool:
        """Whether somebody waits for a slot."""
        return self._waiting > 0

    @contextlib.asynccontextmanager
    async def taken(self, *, alone: bool = False) -> AsyncIterator[None]:
        """One slot for as long as the block runs, or all of them."""
        taken = 0
        try:
            if alone:
                async with self._collecting:
                    while taken < self._count:
                        await self._acquire()
                        taken += 1
            else:
                await self._acquire()
                taken = 1
            yield
        finally:
            for _ in range(taken):
                self._free.release()

    async def _acquire(self) -> None:
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
