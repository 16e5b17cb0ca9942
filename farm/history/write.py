"""What is recorded, as SQL; the caller's transaction makes each call whole."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from farm.history.errors import HistoryError
from farm.history.learned import Mark
from farm.history.read import key
from farm.history.strikes import Strike
from farm.platforms import Platform
from farm.report.outcome import Attempt, Built, Failed

if TYPE_CHECKING:
    import sqlite3

# Five years of nightly builds in a few megabytes: the file is read through at every start.
KEPT_RUNS = 2000


def begin(
    connection: sqlite3.Connection, run: str, *, target: str, references: Sequence[str], started: datetime
) -> None:
    """Add a run, and drop the oldest beyond 2000, but for the last of each named target and its last good one.

    A night that builds fifty images adds as many; one that has not moved for a year must not seem never built.
    """
    connection.execute(
        "INSERT INTO run (id, target, image_references, started) VALUES (?, ?, ?, ?)",
        (run, target, key(references), started.astimezone(UTC).isoformat(timespec="seconds")),
    )
    connection.execute(
        "DELETE FROM run WHERE number <= (SELECT max(number) FROM run) - ? AND number NOT IN ("
        " SELECT max(number) FROM run WHERE instr(id, '/') > 0 GROUP BY substr(id, instr(id, '/') + 1)"
        " UNION SELECT max(number) FROM run WHERE instr(id, '/') > 0 AND exit_code IN (0, 9)"
        " GROUP BY substr(id, instr(id, '/') + 1))",
        (KEPT_RUNS,),
    )


def number(connection: sqlite3.Connection, run: str) -> int:
    """The run's number. Raises HistoryError for a run that is not there."""
    row = connection.execute("SELECT number FROM run WHERE id = ?", (run,)).fetchone()
    if row is None:
        raise HistoryError(f"run {run} is not in the history: its beginning could not be recorded")
    (found,) = row
    assert isinstance(found, int)
    return found


def attempt(connection: sqlite3.Connection, run: int, platform: Platform, count: int, made: Attempt) -> None:
    """Add one try, or write it again."""
    connection.execute(
        "INSERT OR REPLACE INTO attempt (run, platform, number, node, kind, reason, seconds, memory)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (run, str(platform), count, made.node, made.kind, made.reason, made.seconds, made.memory),
    )


def finished(
    connection: sqlite3.Connection, run: str, built: Built, inputs: Mapping[str, str], reused_from: str | None
) -> None:
    """Put a built platform in the place of whatever the run had of it."""
    _replace(
        connection,
        run,
        built,
        is_built=True,
        node=built.node,
        engine=built.engine,
        digest=built.digest,
        pushed=built.pushed,
        cached=built.cached,
        total=built.total,
        sent=built.sent,
        emulated=built.emulated,
        program=built.program,
        inputs=json.dumps(dict(inputs), sort_keys=True),
        reused_from=reused_from,
    )


def failed(connection: sqlite3.Connection, run: str, outcome: Failed) -> None:
    """Put a failed platform in the place of whatever the run had of it."""
    _replace(connection, run, outcome, is_built=False)


def end(connection: sqlite3.Connection, run: str, *, exit_code: int, index: str | None, seconds: float) -> None:
    """Say how the run ended."""
    connection.execute(
        "UPDATE run SET exit_code = ?, index_digest = ?, seconds = ? WHERE number = ?",
        (exit_code, index, seconds, number(connection, run)),
    )


def strike(connection: sqlite3.Connection, made: Strike) -> None:
    """Put a strike in the place of the node's last one."""
    connection.execute(
        "INSERT OR REPLACE INTO strike (node, count, until) VALUES (?, ?, ?)",
        (made.node, made.count, made.until.timestamp()),
    )


def mark(connection: sqlite3.Connection, node: str, made: Mark) -> None:
    """Put a mark in the place of the node's last one."""
    connection.execute(
        "INSERT OR REPLACE INTO mark (node, cpu, seconds) VALUES (?, ?, ?)", (node, made.cpu, made.seconds)
    )


def absolve(connection: sqlite3.Connection, node: str) -> None:
    """Delete what stands against the node."""
    connection.execute("DELETE FROM strike WHERE node = ?", (node,))


def _replace(connection: sqlite3.Connection, run: str, outcome: Built | Failed, **columns: object) -> None:
    owner = number(connection, run)
    row = {"run": owner, "platform": str(outcome.platform), "seconds": outcome.seconds, **columns}
    names, places = ", ".join(row), ", ".join(f":{column}" for column in row)
    connection.execute(f"INSERT OR REPLACE INTO outcome ({names}) VALUES ({places})", row)  # noqa: S608 - our own names
    connection.execute("DELETE FROM attempt WHERE run = ? AND platform = ?", (owner, str(outcome.platform)))
    for count, made in enumerate(outcome.attempts, start=1):
        attempt(connection, owner, outcome.platform, count, made)
