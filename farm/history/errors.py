"""History that cannot be read or written: a build goes on without it, with a warning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farm.errors import FarmError

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path


class HistoryError(FarmError):
    """The history cannot be used; nothing that was recorded before is lost."""


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's own number for an error (the low byte of an extended one), 0 for an error of Python's module."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def trouble(action: str, path: Path, error: OSError | sqlite3.Error) -> HistoryError:
    """Turn what SQLite or the system said while farm wanted to do `action` ("write") into farm's own error."""
    import sqlite3

    if isinstance(error, OSError):
        return HistoryError(f"cannot {action} the history {path}: {error.strerror or error}", fix=_NOT_YOURS)
    fix = {
        sqlite3.SQLITE_FULL: "free some space there",
        sqlite3.SQLITE_IOERR: "free some space there, or look at the disk",
        sqlite3.SQLITE_BUSY: "another farm holds it: try again, or look for one that hangs",
        sqlite3.SQLITE_READONLY: _NOT_YOURS,
        sqlite3.SQLITE_CANTOPEN: _NOT_YOURS,
        sqlite3.SQLITE_CORRUPT: _NEXT_TIME,
        sqlite3.SQLITE_NOTADB: _NEXT_TIME,
    }.get(primary_code(error))
    return HistoryError(f"cannot {action} the history {path}: {error}", fix=fix)


_NOT_YOURS = "make the file and its folder yours to write, or point XDG_STATE_HOME to a folder that is"
_NEXT_TIME = "the next run moves the file aside and begins a new one"
