"""One run per image reference at a time, by locks that the kernel frees when their holder dies."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import hashlib
import json
import os
import pwd
import re
import socket
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from farm.errors import BusyError, FarmError
from farm.report.events import Emit, Warned

_POLL = 0.25
# Time for a holder to write who it is, or for a sweeping run to let go of a dead one's file.
_GRACE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a lock: its process, and when it took the lock as ISO 8601."""

    pid: int
    user: str
    host: str
    run: str
    since: str

    def __str__(self) -> str:
        since = datetime.fromisoformat(self.since).astimezone()
        return f"run {self.run} (process {self.pid} of {self.user} on {self.host}, since {since:%Y-%m-%d %H:%M:%S})"

    @property
    def is_dead(self) -> bool:
        """Whether its process is known to be gone; that of another machine is never."""
        return self.host == socket.gethostname() and not Path("/proc", str(self.pid)).exists()


@contextlib.asynccontextmanager
async def held(
    references: Sequence[str],
    *,
    directory: Path,
    run: str,
    wait: float | None,
    emit: Emit,
    goes_on: str = "is being built",
) -> AsyncIterator[None]:
    """Hold the locks of all these images during the block; none are needed for no references.

    `goes_on` says in words what others do with one, should they have it.

    A reference must be spelled in full, so that two spellings of one image meet. The lock files are in `directory`,
    which is made. `wait` is in seconds for all of them together, None for not at all; whom it waits for is told once.

    Raises BusyError where another run holds one of them, FarmError where the directory cannot hold locks.
    """
    mine = Holder(pid=os.getpid(), user=_user(), host=socket.gethostname(), run=run, since=_now())
    until = time.monotonic() + (wait or 0)
    with contextlib.ExitStack() as locks:
        if references:
            _prepare(directory)
        # Everybody takes them in the same order, so that two runs cannot each wait for what the other has.
        for reference in sorted(set(references)):
            file = directory / _name(reference)
            locks.callback(_release, await _taken(reference, file, mine, wait, until, emit, goes_on), file)
        yield


def holders(directory: Path) -> dict[str, Holder]:
    """Who holds the locks of a directory now, by the readable part of the file's name; nothing is waited for.

    What killed runs have left is locked by nobody, and so not among them.
    """
    found: dict[str, Holder] = {}
    for file in sorted(directory.glob("*.lock")):
        with contextlib.suppress(OSError), contextlib.ExitStack() as closing:
            descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            closing.callback(os.close, descriptor)
            if not _lock(descriptor) and (holder := _read(descriptor)):
                found[file.name.rpartition("-")[0]] = holder
    return found


async def _taken(
    reference: str, file: Path, mine: Holder, wait: float | None, until: float, emit: Emit, goes_on: str
) -> int:
    unnamed_until = time.monotonic() + _GRACE
    is_told = False
    while True:
        with _explained(file.parent):
            found = _try(file, mine)
        if isinstance(found, int):
            return found
        now = time.monotonic()
        if found is None and now < unnamed_until:
            await asyncio.sleep(0.02)
            continue
        who = str(found) if found else "another run, which has not said who it is"
        if wait is None or now >= until:
            raise _busy(reference, who, found, wait, goes_on)
        if not is_told:
            emit(Warned(message=f"waiting for {reference}: it is held by {who}"))
            is_told = True
        await asyncio.sleep(min(_POLL, until - now))


def _busy(reference: str, who: str, holder: Holder | None, wait: float | None, goes_on: str) -> BusyError:
    if wait is not None:
        return BusyError(f"{reference} is still held by {who} after {wait:g} s", fix="wait longer, or look at that run")
    end = f", or end it with `kill {holder.pid}`" if holder and holder.host == socket.gethostname() else ""
    return BusyError(f"{reference} {goes_on} by {who}", fix=f"wait for it with --wait{end}")


def _try(file: Path, mine: Holder) -> int | Holder | None:
    """The open file that holds the lock, or its holder, or None where that cannot be told (yet)."""
    while True:
        with contextlib.ExitStack() as closing:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            closing.callback(os.close, descriptor)
            if not _lock(descriptor):
                holder = _read(descriptor)
                # What a dead process has left in the file says nothing of who has locked it now.
                return None if holder is None or holder.is_dead else holder
            # Its last holder may have removed it between our opening and locking it: then we hold what has no name.
            if _is_at(descriptor, file):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, json.dumps(asdict(mine)).encode(), 0)
                closing.pop_all()
                return descriptor


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(descriptor: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), file.lstat())
    except FileNotFoundError:
        return False


def _read(descriptor: int) -> Holder | None:
    try:
        holder = Holder(**json.loads(os.pread(descriptor, 4096, 0)))
        str(holder)
    except (ValueError, TypeError):
        return None
    return holder


def _release(descriptor: int, file: Path) -> None:
    """Removing the name comes first, while nobody else can have locked what it names."""
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        file.unlink()
    os.close(descriptor)


def _prepare(directory: Path) -> None:
    """Make the directory, and remove from it what killed runs have left: else it would grow for ever."""
    with _explained(directory):
        directory.mkdir(parents=True, mode=0o700, exist_ok=True)
        left = list(directory.glob("*.lock"))
    for file in left:
        with contextlib.suppress(OSError):
            descriptor = os.open(file, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if _lock(descriptor) and _is_at(descriptor, file):
                    file.unlink()
            finally:
                os.close(descriptor)


@contextlib.contextmanager
def _explained(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL):
            raise FarmError(
                f"the file system of {directory} cannot lock files: {error.strerror}",
                fix="point XDG_STATE_HOME to a folder on a local disk",
            ) from error
        raise FarmError(
            f"cannot lock {error.filename or directory}: {error.strerror}",
            fix="free some space, or point XDG_STATE_HOME to a folder that you may write to",
        ) from error


def _name(reference: str) -> str:
    """A file name that people can read; the digest tells apart what the characters of a file name cannot."""
    readable = re.sub(r"[^A-Za-z0-9._-]+", "_", reference)[-80:]
    return f"{readable}-{hashlib.sha256(reference.encode()).hexdigest()[:16]}.lock"


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
