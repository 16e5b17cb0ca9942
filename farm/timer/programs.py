"""The one door from this room to programs: systemctl, systemd-analyze, loginctl, crontab."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from farm.errors import FarmError, RefusedError

_SECONDS = 60.0
_RIGHTS = ("access denied", "permission denied", "authentication required", "not allowed", "must be privileged")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a program ended: its exit code, and what it said."""

    code: int
    out: str
    err: str


async def run(*argv: str, given: str = "", check: bool = True) -> Ended:
    """Run a program of this machine to its end, in English and with times in UTC.

    Raises FarmError where it is not there, takes a minute, or (with `check`) fails; RefusedError where it says that the
    user may not do that. The program's own first line is in it.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
            start_new_session=True,
        )
    except OSError as error:
        raise FarmError(f"{argv[0]} cannot be started: {error.strerror}") from error
    try:
        async with asyncio.timeout(_SECONDS):
            out, err = await process.communicate(given.encode())
    except TimeoutError:
        raise FarmError(f"`{' '.join(argv)}` did not end within {_SECONDS:g} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    ended = Ended(code=process.returncode or 0, out=out.decode("utf-8", "replace"), err=err.decode("utf-8", "replace"))
    if check and ended.code:
        raise _failure(argv, ended)
    return ended


def _failure(argv: tuple[str, ...], ended: Ended) -> FarmError:
    said = (ended.err.strip() or ended.out.strip() or f"exit code {ended.code}").splitlines()[0]
    what = f"`{' '.join(argv)}` failed: {said}"
    if any(words in said.lower() for words in _RIGHTS):
        return RefusedError(what, fix="run it as root (sudo), or as the user whose timer it is")
    return FarmError(what)


def _environment() -> dict[str, str]:
    """This process's, in English and UTC, with the way to the user's manager that a `su` or a cron job lacks."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""}
    runtime = Path(f"/run/user/{os.getuid()}")
    if "XDG_RUNTIME_DIR" not in environment and runtime.is_dir():
        environment["XDG_RUNTIME_DIR"] = str(runtime)
    return environment
