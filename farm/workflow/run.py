"""One run's identity and its two folders: logs that stay, and sockets that go."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from farm.errors import FarmError

# Logs of older runs are deleted so that nightly builds never fill a board's disk.
KEPT_RUNS = 200


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

    def discard(self) -> None:
        """Delete what goes with the run; safe to call twice and at any moment."""
        shutil.rmtree(self.runtime, ignore_errors=True)
        shutil.rmtree(self.spool, ignore_errors=True)


def state_home() -> Path:
    """Where farm remembers things: $XDG_STATE_HOME/farm, by default ~/.local/state/farm."""
    base = os.environ.get("XDG_STATE_HOME") or ""
    return (Path(base) if base.startswith("/") else Path.home() / ".local" / "state") / "farm"


@contextlib.contextmanager
def started() -> Iterator[Run]:
    """Make the folders of a new run, and take away at the end what goes with it.

    What runs left behind that were killed is removed here: such folders are named after their process. Raises FarmError
    where a folder cannot be made.
    """
    now = datetime.now(UTC)
    run_id = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    try:
        logs = state_home() / "runs" / run_id
        logs.mkdir(parents=True, mode=0o700)
        spool_home = state_home() / "spool"
        spool_home.mkdir(mode=0o700, exist_ok=True)
        run = Run(id=run_id, logs=logs, runtime=_own_folder(_runtime_home()), spool=_own_folder(spool_home))
        run.buildx_config.mkdir()
    except OSError as error:
        place = error.filename or state_home()
        raise FarmError(
            f"cannot make the run's folders: {place}: {error.strerror}",
            fix="free some space, or point XDG_STATE_HOME and XDG_RUNTIME_DIR to folders you may write to",
        ) from error
    try:
        yield run
    finally:
        run.discard()
        _forget_old(logs.parent)


def _runtime_home() -> Path:
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and Path(base).is_dir() and os.access(base, os.W_OK):
        home = Path(base) / "farm"
    else:
        home = Path(tempfile.gettempdir()) / f"farm-{os.getuid()}"
    home.mkdir(mode=0o700, exist_ok=True)
    # In a folder shared by all users somebody else may have made ours first: sockets must never land in theirs.
    found = home.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise FarmError(
            f"{home} is not a folder that only you can enter",
            fix=f"remove it, or set XDG_RUNTIME_DIR; expected owner {os.getuid()} and mode 0700",
        )
    return home


def _own_folder(home: Path) -> Path:
    _sweep(home)
    return Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=home))


def _sweep(home: Path) -> None:
    for folder in home.iterdir():
        pid = folder.name.partition("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _forget_old(runs: Path) -> None:
    with contextlib.suppress(OSError):
        for folder in sorted(runs.iterdir())[:-KEPT_RUNS]:
            shutil.rmtree(folder, ignore_errors=True)
