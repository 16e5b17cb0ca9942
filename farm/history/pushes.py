"""What was pushed, and whether a run may still need it, as far as the history can know."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """A digest that runs pushed to the repositories of these references; `number` is that of the last such run.

    `is_needed`: a run may go on with it. `is_inner`: an image that stands in an index, which must be deleted before.
    """

    digest: str
    references: tuple[str, ...]
    number: int
    is_needed: bool
    is_inner: bool


# Each digest that a run pushed: the index of its tags, and of each platform what the node pushed and what is in it.
_PUSHED = (
    "SELECT number, image_references, index_digest AS digest, 0 AS inner FROM run"
    " UNION ALL SELECT run, image_references, pushed, 0 FROM outcome JOIN run ON run.number = outcome.run"
    " UNION ALL SELECT run, image_references, digest, digest <> pushed FROM outcome"
    " JOIN run ON run.number = outcome.run"
)
# Runs that are young, runs that may be resumed (no later one of the same references ended well), and the last that
# built a target's platform, or published the target: the next one may take over what it made.
_NEEDED = (
    "SELECT number FROM run WHERE started >= ?"
    " UNION SELECT number FROM run WHERE number > ifnull((SELECT max(number) FROM run AS other"
    " WHERE other.image_references = run.image_references AND other.exit_code = 0), 0)"
    " UNION SELECT max(run.number) FROM run JOIN outcome ON outcome.run = run.number"
    " WHERE outcome.is_built GROUP BY run.target, outcome.platform"
    " UNION SELECT max(number) FROM run WHERE exit_code = 0 GROUP BY target"
)


def pushed(connection: sqlite3.Connection, since: datetime) -> tuple[Pushed, ...]:
    """Every digest, what stands in an index last. What a run pushed that began `since` then is needed."""
    rows = connection.execute(
        f"SELECT digest, image_references, max(number), max(number IN ({_NEEDED})), min(inner) FROM ({_PUSHED})"  # noqa: S608 - our own text
        " WHERE digest IS NOT NULL GROUP BY digest, image_references ORDER BY min(inner), max(number), digest",
        (since.astimezone(UTC).isoformat(timespec="seconds"),),
    )
    return tuple(
        Pushed(
            digest=digest,
            references=tuple(json.loads(references)),
            number=number,
            is_needed=bool(is_needed),
            is_inner=bool(inner),
        )
        for digest, references, number, is_needed, inner in rows
    )


def gone(connection: sqlite3.Connection) -> dict[tuple[str, str], int]:
    """What was found gone: by repository and digest, the number of the newest run then."""
    rows = connection.execute("SELECT repository, digest, run FROM gone")
    return {(repository, digest): run for repository, digest, run in rows}


def note_gone(connection: sqlite3.Connection, found: Mapping[str, Collection[str]]) -> None:
    """Remember by repository the digests that are gone, so that nobody asks for them again."""
    connection.executemany(
        "INSERT OR REPLACE INTO gone (repository, digest, run) SELECT ?, ?, ifnull(max(number), 0) FROM run",
        [(repository, digest) for repository, digests in found.items() for digest in digests],
    )
