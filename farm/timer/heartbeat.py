"""Tells a service manager that asks for it that the program is alive (sd_notify(3), WATCHDOG=1)."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping


def interval(environment: Mapping[str, str], pid: int) -> float | None:
    """Seconds between two beats, half of what the manager waits for one; None where it waits for none of ours."""
    asked, whom = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", str(pid))
    if not asked.isdecimal() or int(asked) == 0 or whom != str(pid) or not environment.get("NOTIFY_SOCKET"):
        return None
    return int(asked) / 1_000_000 / 2


@contextlib.asynccontextmanager
async def beating() -> AsyncIterator[None]:
    """Beat for as long as the block runs and its event loop turns, if the manager has asked for it.

    A program whose loop hangs is ended by the manager; it then says where it hung.
    """
    seconds = interval(os.environ, os.getpid())
    if seconds is None:
        yield
        return
    with contextlib.suppress(ValueError, OSError):  # a standard error that is no file
        faulthandler.enable(sys.stderr)
    beats = asyncio.create_task(_beat(os.environ["NOTIFY_SOCKET"], seconds))
    try:
        yield
    finally:
        beats.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beats


async def _beat(address: str, seconds: float) -> None:
    while True:
        # A name that begins with @ is in the abstract namespace (unix(7)).
        path = "\0" + address[1:] if address.startswith("@") else address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto(b"WATCHDOG=1", path)
        await asyncio.sleep(seconds)
