"""The database file: made, checked, brought up to date; moved aside where it is broken."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from farm.history.errors import HistoryError, primary_code, trouble

if TYPE_CHECKING:
    import sqlite3

# Seconds that one run waits for another; a write takes milliseconds, on a bad SD card a few seconds.
PATIENCE = 10.0


def connect(path: Path) -> tuple[sqlite3.Connection, str | None]:
    """Open the database, make it where there is none, and say in words what had to be given up, if anything.

    A file that is no database any more is renamed, with what belongs to it, and a new one begun. Raises HistoryError
    for a file that cannot be opened or that a newer farm has written.
    """
    import sqlite3

    try:
        inode = _make(path)
        try:
            return _opened(path), None
        except _BrokenError:
            warning = _move_aside(path, inode)
            return _opened(path), warning
    except (OSError, sqlite3.Error) as error:
        raise trouble("open", path, error) from error
    except _BrokenError as error:
        raise HistoryError(f"the history {path} is broken again at once", fix="look at the disk") from error


def migrations() -> tuple[str, ...]:
    """The SQL of every version in order: the n-th leads from version n-1 to n."""
    files = [
        file for file in resources.files("farm.history").joinpath("migrations").iterdir() if file.name[0].isdigit()
    ]
    return tuple(file.read_text() for file in sorted(files, key=lambda file: file.name))


class _BrokenError(Exception):
    """The file is not, or no longer, a database."""


def _make(path: Path) -> int:
    """Make an empty file that only its owner can read, or see to it; SQLite gives its other files the same mode."""
    with contextlib.suppress(FileExistsError):  # something else than a folder is there, as touching the file will tell
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    found = path.stat()
    if found.st_mode & 0o077:
        path.chmod(0o600)
    return found.st_ino


def _opened(path: Path) -> sqlite3.Connection:
    import sqlite3

    connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        _check(connection, path)
        # Everything recorded must outlive a power cut, and there are few writes in a run: each waits for the disk.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
    except sqlite3.DatabaseError as error:
        connection.close()
        if primary_code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise _BrokenError from error
        raise
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection, path: Path) -> None:
    (problem,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if problem != "ok":
        raise _BrokenError(problem)
    steps = migrations()
    version = _version(connection)
    if version > len(steps):
        raise HistoryError(
            f"the history {path} was written by a newer farm: version {version}, this one knows {len(steps)}",
            fix="update farm, or move the file away to begin a new history",
        )
    if version < len(steps):
        # SQLite does not wait for another process where two switch to WAL at the same time.
        with _alone(path.parent):
            connection.execute("PRAGMA journal_mode = WAL")
            for number, step in enumerate(steps, start=1):
                if number > _version(connection):
                    _migrate(connection, number, step)


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    assert isinstance(version, int)
    return version


def _migrate(connection: sqlite3.Connection, number: int, step: str) -> None:
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{step}\nPRAGMA user_version = {number};\nCOMMIT;")
    except BaseException:
        if connection.in_transaction:
            connection.rollback()
        raise


def _move_aside(path: Path, inode: int) -> str:
    """Rename the broken file, unless another run has done so meanwhile; what has happened, in words."""
    aside = path.with_name(f"{path.name}.broken-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}")
    with _alone(path.parent):
        if path.stat().st_ino != inode:
            return f"the history {path} was broken; another run has moved it aside"
        # The log goes first: SQLite would write an old one that it finds into the new database.
        for suffix in ("-wal", "-shm", ""):
            with contextlib.suppress(FileNotFoundError):
                Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
        _make(path)
    return f"the history {path} was broken and has been moved to {aside}; a new one begins"


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other farms out for the block; the kernel lets them in again whatever happens to this one."""
    import fcntl

    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up:
                    raise HistoryError(
                        f"another farm has been preparing the history in {folder} for {PATIENCE:.0f} s",
                        fix="try again, or look for one that hangs",
                    ) from None
                time.sleep(0.02)
        yield
    finally:
        os.close(handle)
