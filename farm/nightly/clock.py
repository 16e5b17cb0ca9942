"""The time, as a night asks for it: on the wall, on a clock that only goes forward, and for a while."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """What a night needs of time."""

    def now(self) -> datetime:
        """The time on the wall, in the coordinator's zone. It may jump."""

    def elapsed(self) -> float:
        """Seconds since some moment; it never goes back."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """This machine's clock."""

    def now(self) -> datetime:
        """The time on the wall."""
        return datetime.now().astimezone()

    def elapsed(self) -> float:
        """Seconds since the machine was started, by the clock that nobody can set."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
