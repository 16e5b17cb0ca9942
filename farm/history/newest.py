"""Questions about the last runs of targets that have a name: what a night compares itself with."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from farm import platforms
from farm.history.read import built_of, by_name
from farm.history.records import Kept
from farm.platforms import Platform

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

# A named target's row is `RUN/NAME`; the name may hold slashes, the run's does not.
_NAME = "substr(run.id, instr(run.id, '/') + 1)"
_WANTED = f"instr(run.id, '/') > 0 AND {_NAME} IN (SELECT value FROM json_each(?))"  # noqa: S608 - our own text


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """The last that is known of a target.

    `exit_code` is that of its last run, None for one that was killed or still goes on. `published` is when the last run
    began that ended well, None where none did; `references` and `platforms` are that run's. `kept` holds what was built
    and pushed last of each platform, in whatever run.
    """

    exit_code: int | None
    published: datetime | None
    references: tuple[str, ...]
    platforms: tuple[Platform, ...]
    kept: Mapping[Platform, Kept]


def newest(connection: sqlite3.Connection, names: Collection[str]) -> dict[str, Newest]:
    """The last of each named target that was ever built, by name."""
    wanted = json.dumps(sorted(names))
    last = {
        name: exit_code
        for name, exit_code, _ in connection.execute(
            f"SELECT {_NAME}, exit_code, max(number) FROM run WHERE {_WANTED} GROUP BY 1",  # noqa: S608 - our own text
            (wanted,),
        )
    }
    published = {
        name: (number, datetime.fromisoformat(started), tuple(json.loads(references)))
        for name, number, started, references in connection.execute(
            f"SELECT {_NAME}, max(number), started, image_references FROM run"  # noqa: S608 - our own text
            f" WHERE exit_code IN (0, 9) AND {_WANTED} GROUP BY 1",
            (wanted,),
        )
    }
    kept = _kept(connection, wanted)
    return {
        name: Newest(
            exit_code=exit_code,
            published=published[name][1] if name in published else None,
            references=published[name][2] if name in published else (),
            platforms=_platforms(connection, published[name][0]) if name in published else (),
            kept=kept.get(name, {}),
        )
        for name, exit_code in last.items()
    }


def _kept(connection: sqlite3.Connection, wanted: str) -> dict[str, dict[Platform, Kept]]:
    found: dict[str, dict[Platform, Kept]] = {}
    # With max() SQLite takes the other columns from the row that has it (its documentation, "Bare columns").
    query = (
        f"SELECT {_NAME} AS name, run.id AS run_id, max(run.number), outcome.* FROM run"  # noqa: S608 - our own text
        " JOIN outcome ON outcome.run = run.number AND outcome.pushed IS NOT NULL"
        f" WHERE {_WANTED} GROUP BY name, outcome.platform"
    )
    for row in by_name(connection.execute(query, (wanted,))):
        made = built_of(row, ())
        inputs = json.loads(row["inputs"])
        origin = row["reused_from"] or row["run_id"]
        found.setdefault(row["name"], {})[made.platform] = Kept(run=origin, built=made, inputs=inputs)
    return found


def _platforms(connection: sqlite3.Connection, number: int) -> tuple[Platform, ...]:
    names = connection.execute("SELECT platform FROM outcome WHERE run = ? AND is_built", (number,))
    return tuple(sorted(platforms.parse(name) for (name,) in names))
