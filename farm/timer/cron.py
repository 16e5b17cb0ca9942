"""A user's crontab: look, install, remove, and when the lines in it are due."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from farm.errors import UsageError
from farm.timer import crontab, programs

_DAEMONS = frozenset({"cron", "crond", "fcron", "dcron"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """The crontab of a user; None is the one who asks."""

    user: str | None = None

    @property
    def _argv(self) -> tuple[str, ...]:
        return ("crontab", *(("-u", self.user) if self.user else ()))

    async def read(self) -> str:
        """The whole crontab, empty where there is none or no cron. Raises FarmError where it cannot be read."""
        if not is_here():
            return ""
        ended = await programs.run(*self._argv, "-l", check=False)
        # Debian's and busybox's words for a user who has none.
        if ended.code and not any(words in ended.err for words in ("no crontab for", "can't open")):
            return (await programs.run(*self._argv, "-l")).out
        return ended.out if ended.code == 0 else ""

    async def install(self, lines: str) -> bool:
        """Bring farm's lines there; whether there was anything to do. Raises FarmError."""
        if not is_here():
            raise UsageError(
                "there is neither systemd nor cron here", fix="install cron, or start `farm nightly` yourself"
            )
        old = await self.read()
        new = crontab.with_block(old, lines)
        if new != old:
            await programs.run(*self._argv, "-", given=new)
        return new != old

    async def remove(self) -> bool:
        """Take farm's lines away and leave all others; whether any were there. Raises FarmError."""
        old = await self.read()
        new = crontab.without_block(old)
        if new == old:
            return False
        # An empty crontab is as good as none, and leaves no file behind.
        await (programs.run(*self._argv, "-", given=new) if new.strip() else programs.run(*self._argv, "-r"))
        return True


def is_here() -> bool:
    """Whether this machine has a crontab program."""
    return shutil.which("crontab") is not None


def daemon_runs() -> bool:
    """Whether something runs that reads crontabs."""
    for process in Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):
            if process.read_text().strip() in _DAEMONS:
                return True
    return False


def following(times: Iterable[str], now: datetime) -> datetime | None:
    """When the first of these lines (five fields each) is due next; None where none ever is.

    `now` is without a zone, as the clock on the wall, which cron goes by; the answer has that of the machine.
    """
    from cronsim import CronSim, CronSimError

    found = []
    for fields in times:
        with contextlib.suppress(CronSimError, StopIteration):
            found.append(next(CronSim(fields, now)))
    return min(found).astimezone() if found else None
