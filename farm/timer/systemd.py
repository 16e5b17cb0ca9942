"""Timers of systemd: look, install, remove, each for root's manager or for the user's own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from farm.errors import FarmError, RefusedError, UsageError
from farm.timer import programs, shown
from farm.timer.job import NAME
from farm.timer.units import Manager

_TIMER, _SERVICE = f"{NAME}.timer", f"{NAME}.service"
_TIMER_PROPERTIES = "UnitFileState,ActiveState,NextElapseUSecRealtime"
_SERVICE_PROPERTIES = "ActiveState,Result,ExecMainCode,ExecMainStatus,ExecMainExitTimestamp"


def managers(home: Path) -> dict[Manager, Systemd]:
    """The system's, and that of the user who has this home."""
    return {
        "system": Systemd(manager="system", folder=Path("/etc/systemd/system"), stamps=Path("/var/lib/systemd/timers")),
        "user": Systemd(
            manager="user",
            folder=home / ".config" / "systemd" / "user",
            stamps=home / ".local" / "share" / "systemd" / "timers",
        ),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Systemd:
    """One manager, the folder that it reads an administrator's units from, and that where it keeps timers' stamps."""

    manager: Manager
    folder: Path
    stamps: Path

    @property
    def timer(self) -> Path:
        """The timer's file."""
        return self.folder / _TIMER

    def read(self) -> dict[str, str]:
        """The texts of farm's units that are there, by name. Raises FarmError where one cannot be read."""
        found = {}
        for name in (_SERVICE, _TIMER):
            try:
                found[name] = (self.folder / name).read_text()
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                raise FarmError(f"{self.folder / name} cannot be read: {error}") from error
        return found

    async def install(self, units: Mapping[str, str]) -> bool:
        """Bring the units there, and the timer to work; whether there was anything to do.

        Raises FarmError, RefusedError where the user may not.
        """
        old = self.read()
        changed = {name for name, text in units.items() if old.get(name) != text}
        if not changed:
            now = await self.state()
            if now.is_enabled and now.is_active:
                return False
        with _told():
            self.folder.mkdir(parents=True, exist_ok=True)
            for name in changed:
                _write(self.folder / name, units[name])
        await self._systemctl("daemon-reload")
        await self._systemctl("enable", "--quiet", _TIMER)
        # A timer that runs already goes by its old times until it is started anew.
        await self._systemctl("restart", _TIMER)
        return True

    async def remove(self) -> bool:
        """Take timer and service away; a run that is under way goes on. Whether anything was there."""
        names = tuple(self.read())
        if not names:
            return False
        await self._systemctl("disable", "--now", "--quiet", _TIMER, check=False)
        with _told():
            for name in names:
                (self.folder / name).unlink(missing_ok=True)
            # It remembers the last start: an installation of later would make up for nights that nobody missed.
            (self.stamps / f"stamp-{_TIMER}").unlink(missing_ok=True)
        await self._systemctl("daemon-reload")
        await self._systemctl("reset-failed", _SERVICE, check=False)
        return True

    async def state(self) -> shown.State:
        """How the timer and its last run are. Raises FarmError."""
        timer = await self._systemctl("show", f"--property={_TIMER_PROPERTIES}", _TIMER)
        service = await self._systemctl("show", f"--property={_SERVICE_PROPERTIES}", _SERVICE)
        return shown.state(timer, service)

    async def _systemctl(self, *arguments: str, check: bool = True) -> str:
        return (await programs.run("systemctl", f"--{self.manager}", *arguments, check=check)).out


def is_running() -> bool:
    """Whether systemd is this machine's first process (sd_booted(3))."""
    return Path("/run/systemd/system").is_dir()


async def reaches_user() -> bool:
    """Whether the user has a manager of their own, and it can be spoken to."""
    return (await programs.run("systemctl", "--user", "show", "--property=Version", check=False)).code == 0


async def check(expressions: Iterable[str]) -> None:
    """Raise UsageError, in systemd's own words, for the first that is no calendar expression or names no zone."""
    for expression in expressions:
        ended = await programs.run("systemd-analyze", "calendar", "--", expression, check=False)
        if ended.code:
            raise UsageError(
                (ended.err.strip() or f"{expression!r} is no calendar expression").splitlines()[0],
                fix='write it as "02:00", "Mon..Fri 02:00" or "*-*-* 02:00 Europe/Berlin"',
            )


async def lingers(user: str) -> bool | None:
    """Whether the user's manager is there without a login; None where nobody can say."""
    ended = await programs.run("loginctl", "show-user", user, "--property=Linger", "--value", check=False)
    if ended.code == 0:
        return ended.out.strip() == "yes"
    # It tells nothing of a user who is not logged in and does not linger.
    return False if "not logged in" in ended.err else None


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise RefusedError(f"{error.filename} may not be written", fix="run it as root (sudo)") from error
    except OSError as error:
        raise FarmError(f"{error.filename}: {error.strerror}") from error


def _write(path: Path, text: str) -> None:
    """All or nothing: half a unit would be read at the next start of the machine."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text)
    fresh.chmod(0o644)
    fresh.replace(path)
