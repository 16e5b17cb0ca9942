"""Questions to the database and their answers as values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from farm import platforms
from farm.errors import UsageError
from farm.history.durations import Duration, is_warm
from farm.history.records import Kept, PlatformRecord, Resumable, RunRecord
from farm.history.strikes import Strike
from farm.platforms import Platform
from farm.report.outcome import Attempt, Built, Failed

if TYPE_CHECKING:
    import sqlite3


# The targets of a run of several are called RUN/NAME.
_WHOLE = "substr(id, 1, instr(id || '/', '/') - 1)"
NEWEST = (
    f"WHERE {_WHOLE} IN (SELECT {_WHOLE} AS whole FROM run GROUP BY whole ORDER BY max(number) DESC LIMIT ?)"  # noqa: S608
    " ORDER BY number DESC"
)
NAMED = f"WHERE id = ?1 OR {_WHOLE} = ?1 ORDER BY number"


def key(references: Sequence[str]) -> str:
    """The references as they are stored and compared: their order does not matter."""
    return json.dumps(sorted(set(references)))


def latest(connection: sqlite3.Connection, references: Sequence[str]) -> Resumable | None:
    """All that was built for the references since they were last published whole; see `History.resumable`."""
    found: str | None = None
    kept: dict[Platform, Kept] = {}
    rows = connection.execute(
        "SELECT number, id, exit_code FROM run WHERE image_references = ? ORDER BY number DESC", (key(references),)
    )
    for number, run, exit_code in rows if references else ():
        if exit_code == 0:
            break
        found = found or run
        for platform, newer in _kept(connection, number, run):
            kept.setdefault(platform, newer)
    return Resumable(run=found, kept=kept) if found else None


def named(connection: sqlite3.Connection, run: str, references: Sequence[str]) -> Resumable | None:
    """What the named run has built for these references.

    Of a run of several targets that is None where it had another one, and all of a target that ended well: there was
    something else in it to go on with. Raises UsageError where a run cannot be resumed for these references.
    """
    rows = connection.execute(f"SELECT number, id, image_references, exit_code FROM run {NAMED}", (run,)).fetchall()  # noqa: S608
    if not rows:
        raise UsageError(f"there is no run {run!r} in the history", fix="`farm history` lists the runs")
    mine = [row for row in rows if row[2] == key(references)]
    if len(rows) == 1:
        _check_only(run, rows[0], references, is_mine=bool(mine))
    for number, row, *_ in mine:
        return Resumable(run=row, kept=dict(_kept(connection, number, row)))
    return None


def _check_only(run: str, row: tuple[int, str, str, int | None], references: Sequence[str], *, is_mine: bool) -> None:
    """Raises UsageError where there is nothing to resume in a run with a single target."""
    *_, stored, exit_code = row
    if not is_mine:
        was, now = (", ".join(names) or "nothing with a tag" for names in (json.loads(stored), sorted(set(references))))
        raise UsageError(f"run {run} built {was}, not {now}", fix="give the same --tag options, or resume another run")
    if exit_code == 0:
        raise UsageError(f"run {run} ended well: nothing is left to resume", fix="build without --resume")


def _kept(connection: sqlite3.Connection, number: int, run: str) -> Iterator[tuple[Platform, Kept]]:
    rows = connection.execute("SELECT * FROM outcome WHERE run = ? AND pushed IS NOT NULL", (number,))
    for row in by_name(rows):
        built = built_of(row, _attempts(connection, number).get(row["platform"], ()))
        yield built.platform, Kept(run=row["reused_from"] or run, built=built, inputs=json.loads(row["inputs"]))


def durations(
    connection: sqlite3.Connection, target: str, platform: Platform, node: str, limit: int
) -> tuple[Duration, ...]:
    """The lengths of the tries that went well; what a run only took over from another took it no time."""
    rows = connection.execute(
        "SELECT attempt.seconds, outcome.cached, outcome.total FROM outcome"
        " JOIN run ON run.number = outcome.run"
        " JOIN attempt ON attempt.run = outcome.run AND attempt.platform = outcome.platform AND attempt.kind IS NULL"
        " WHERE run.target = ? AND outcome.platform = ? AND outcome.node = ? AND outcome.reused_from IS NULL"
        " ORDER BY run.number DESC LIMIT ?",
        (target, str(platform), node, limit),
    )
    return tuple(Duration(seconds=seconds, is_warm=is_warm(cached, total)) for seconds, cached, total in rows)


def runs(connection: sqlite3.Connection, which: str, value: str | int) -> tuple[RunRecord, ...]:
    """The runs that `which`, the end of an SQL statement with one parameter, chooses."""
    return tuple(
        RunRecord(
            run=row["id"],
            target=row["target"],
            references=tuple(json.loads(row["image_references"])),
            started=datetime.fromisoformat(row["started"]),
            exit_code=row["exit_code"],
            index=row["index_digest"],
            seconds=row["seconds"],
            platforms=tuple(_platforms(connection, row["number"])),
        )
        for row in by_name(connection.execute(f"SELECT * FROM run {which}", (value,)))  # noqa: S608 - only our own text
    )


def strikes(connection: sqlite3.Connection) -> dict[str, Strike]:
    """What stands against the nodes, by name. Times are local ones: people read them."""
    return {
        node: Strike(node=node, count=count, until=datetime.fromtimestamp(until, UTC).astimezone())
        for node, count, until in connection.execute("SELECT node, count, until FROM strike ORDER BY node")
    }


def _platforms(connection: sqlite3.Connection, number: int) -> Iterator[PlatformRecord]:
    attempts = _attempts(connection, number)
    rows = {
        row["platform"]: row for row in by_name(connection.execute("SELECT * FROM outcome WHERE run = ?", (number,)))
    }
    for name in sorted({*attempts, *rows}):
        tries = attempts.get(name, ())
        if name not in rows:
            seconds = sum(attempt.seconds for attempt in tries)
            yield PlatformRecord(outcome=_failed(name, tries, seconds), state="unfinished")
        elif rows[name]["is_built"]:
            origin = rows[name]["reused_from"]
            state: Literal["built", "reused"] = "reused" if origin else "built"
            yield PlatformRecord(outcome=built_of(rows[name], tries), state=state, reused_from=origin)
        else:
            yield PlatformRecord(outcome=_failed(name, tries, rows[name]["seconds"]), state="failed")


def _attempts(connection: sqlite3.Connection, number: int) -> dict[str, tuple[Attempt, ...]]:
    found: dict[str, tuple[Attempt, ...]] = {}
    rows = connection.execute(
        "SELECT platform, node, kind, reason, seconds, memory FROM attempt WHERE run = ? ORDER BY platform, number",
        (number,),
    )
    for platform, node, kind, reason, seconds, memory in rows:
        attempt = Attempt(node=node, kind=kind, reason=reason, seconds=seconds, memory=memory)
        found[platform] = (*found.get(platform, ()), attempt)
    return found


def _failed(platform: str, attempts: tuple[Attempt, ...], seconds: float) -> Failed:
    return Failed(platform=platforms.parse(platform), attempts=attempts, seconds=seconds)


def built_of(row: sqlite3.Row, attempts: tuple[Attempt, ...]) -> Built:
    """The platform that a row of `outcome` says was built, with its tries."""
    return Built(
        platform=platforms.parse(row["platform"]),
        node=row["node"],
        engine=row["engine"],
        digest=row["digest"],
        pushed=row["pushed"],
        attempts=attempts,
        seconds=row["seconds"],
        cached=row["cached"],
        total=row["total"],
        sent=row["sent"],
        emulated=bool(row["emulated"]),
        program=row["program"],
    )


def by_name(cursor: sqlite3.Cursor) -> Iterator[sqlite3.Row]:
    """The same rows, by name."""
    import sqlite3

    cursor.row_factory = sqlite3.Row
    return iter(cursor)
