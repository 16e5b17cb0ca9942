"""One run's identity and its two folders: logs that stay, and sockets that go."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from farm import folders
from farm.errors import FarmError, UsageError

# Logs of older runs are deleted so that nightly builds never fill a board's disk.
KEPT_RUNS = 200
# In each folder that goes with its run: locked for as long as the run lives, on whatever machine or in whatever
# container that is. Time for a run to lock what it has just made, in seconds.
_LOCK, _GRACE = ".lock", 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """`logs` stays after the run; the two others go with it, and nobody else may enter them.

    `runtime` has short paths for sockets, often in memory; `spool` is on disk, for what may be large.
    """

    id: str
    logs: Path
    runtime: Path
    spool: Path

    @property
    def buildx_config(self) -> Path:
        """The run's own BUILDX_CONFIG: runs cannot collide and the user's builders stay untouched."""
        return self.runtime / "buildx"

    @property
    def join_config(self) -> Path:
        """The same for the join alone, whose builder is made while builds need the other one."""
        return self.runtime / "buildx-join"

    def of(self, target: str) -> Run:
        """The part of the run that belongs to one of several targets: folders of its own within the run's.

        Raises FarmError where they cannot be made.
        """
        name = folder_name(target)
        part = replace(
            self, logs=self.logs / name, runtime=self.runtime / "targets" / name, spool=self.spool / "targets" / name
        )
        try:
            for folder in (part.logs, part.runtime, part.buildx_config, part.spool):
                folder.mkdir(mode=0o700, parents=True)
        except OSError as error:
            raise _no_folders(error) from error
        return part

    def discard(self) -> None:
        """Delete what goes with the run; safe to call twice and at any moment."""
        folders.remove(self.runtime)
        folders.remove(self.spool)


def folder_name(target: str) -> str:
    """A target's name as a folder's: people can read it, and no two names have the same."""
    readable = re.sub(r"[^A-Za-z0-9._-]+", "_", target)[:80]
    if readable == target and readable.strip("."):
        return readable
    return f"{readable.strip('.')}-{hashlib.sha256(target.encode()).hexdigest()[:8]}"


def state_home() -> Path:
    """Where farm remembers things: $XDG_STATE_HOME/farm, by default ~/.local/state/farm."""
    base = os.environ.get("XDG_STATE_HOME") or ""
    return (Path(base) if base.startswith("/") else Path.home() / ".local" / "state") / "farm"


@contextlib.contextmanager
def started() -> Iterator[Run]:
    """Make the folders of a new run, and take away at the end what goes with it.

    What runs left behind that were killed is removed here. Raises FarmError where a folder cannot be made, UsageError
    where others could enter one.
    """
    now = datetime.now(UTC)
    run_id = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    with contextlib.ExitStack() as locks:
        try:
            logs, spool_home = state_home() / "runs" / run_id, state_home() / "spool"
            for home in (logs.parent, spool_home):
                folders.make_private(home)
            logs.mkdir(mode=0o700)
            runtime, spool = (locks.enter_context(_own_folder(home)) for home in (_runtime_home(), spool_home))
            run = Run(id=run_id, logs=logs, runtime=runtime, spool=spool)
            run.buildx_config.mkdir()
        except OSError as error:
            raise _no_folders(error) from error
        try:
            yield run
        finally:
            _forget_old(logs.parent, besides=run_id)


def _no_folders(error: OSError) -> FarmError:
    return FarmError(
        f"cannot make the run's folders: {error.filename or state_home()}: {error.strerror}",
        fix="free some space, or point XDG_STATE_HOME and XDG_RUNTIME_DIR to folders you may write to",
    )


def _runtime_home() -> Path:
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and Path(base).is_dir() and os.access(base, os.W_OK):
        home = Path(base) / "farm"
    else:
        home = Path(tempfile.gettempdir()) / f"farm-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        home.mkdir(mode=0o700)
    # In a folder shared by all users somebody else may have made ours first: sockets must never land in theirs.
    found, other = home.lstat(), "set XDG_RUNTIME_DIR to a folder of your own"
    if not stat.S_ISDIR(found.st_mode):
        raise UsageError(f"{home} is no folder, and farm needs one there for its sockets", fix=f"remove it, or {other}")
    if found.st_uid != os.getuid():
        whose = f"belongs to user {found.st_uid}, not to you ({os.getuid()})"
        raise UsageError(f"{home} {whose}: farm's sockets would be theirs", fix=f"have it removed, or {other}")
    if found.st_mode & 0o077:
        mode = f"{stat.S_IMODE(found.st_mode):04o}"
        raise UsageError(f"{home} has mode {mode}: others could enter it", fix=f"chmod 700 {home}, or {other}")
    return home


@contextlib.contextmanager
def _own_folder(home: Path) -> Iterator[Path]:
    """A folder in `home` for the length of the block, after what killed runs have left there is removed."""
    for left in home.iterdir():
        if _is_abandoned(left):
            folders.remove(left)
    own = Path(tempfile.mkdtemp(dir=home))
    try:
        with (own / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield own
    finally:
        folders.remove(own)


def _is_abandoned(folder: Path) -> bool:
    try:
        with (folder / _LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        with contextlib.suppress(FileNotFoundError):
            return time.time() - folder.stat().st_mtime > _GRACE
        return False
    except OSError:
        return False
    return True


def _forget_old(runs: Path, *, besides: str) -> None:
    """Keep the newest; a run's name begins with its start, which a clock that was put back makes the oldest."""
    with contextlib.suppress(OSError):
        others = sorted(folder for folder in runs.iterdir() if folder.name != besides)
        for folder in others[: -(KEPT_RUNS - 1)]:
            folders.remove(folder)
