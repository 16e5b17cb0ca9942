"""Questions about what earlier runs teach: all targets of a run in one go."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from farm import platforms
from farm.history.durations import RECENT, is_warm
from farm.history.learned import Learned, Mark, Pair, Times
from farm.platforms import Platform

if TYPE_CHECKING:
    import sqlite3


def learned(connection: sqlite3.Connection, targets: Collection[str] | None) -> Learned:
    """What the builds of these targets took, None for all; of each job, node and kind of cache the 20 last count."""
    if targets is None:
        targets = [name for (name,) in connection.execute("SELECT DISTINCT target FROM run")]
    names = json.dumps(sorted(targets))
    return Learned(
        times=_times(connection, names),
        peaks=_peaks(connection, names),
        marks={node: mark.seconds for node, mark in marks(connection).items()},
    )


def marks(connection: sqlite3.Connection) -> dict[str, Mark]:
    """How nodes did in the probe benchmark."""
    rows = connection.execute("SELECT node, cpu, seconds FROM mark ORDER BY node")
    return {node: Mark(cpu=cpu, seconds=seconds) for node, cpu, seconds in rows}


def _times(connection: sqlite3.Connection, names: str) -> dict[Pair, Times]:
    # Cross joins keep SQLite to this order, in which an index answers every part by itself.
    rows = connection.execute(
        "SELECT run.target, outcome.platform, outcome.node, attempt.seconds, outcome.cached, outcome.total, run.started"
        " FROM run CROSS JOIN outcome ON outcome.run = run.number AND outcome.reused_from IS NULL"
        # A platform that failed has no node, though a try may have built it: what the registry then had was wrong.
        " AND outcome.node IS NOT NULL"
        " CROSS JOIN attempt"
        " ON attempt.run = outcome.run AND attempt.platform = outcome.platform AND attempt.kind IS NULL"
        " WHERE run.target IN (SELECT value FROM json_each(?)) ORDER BY run.target DESC, run.number DESC",
        (names,),
    )
    # By pair: when it was built last, then the seconds of cold and of warm builds.
    found: dict[tuple[str, str, str], tuple[str, list[float], list[float]]] = {}
    for target, platform, node, seconds, cached, total, started in rows:
        pair = (target, platform, node)
        if (known := found.get(pair)) is None:
            known = found[pair] = (started, [], [])
        (known[2] if is_warm(cached, total) else known[1]).append(seconds)
    # There are few platforms, and each of their names takes as long to read as ten of the rows.
    parsed = {name: platforms.parse(name) for name in {platform for _, platform, _ in found}}
    return {
        Pair(target, parsed[platform], node): Times(
            cold=tuple(cold[:RECENT]), warm=tuple(warm[:RECENT]), last=datetime.fromisoformat(started)
        )
        for (target, platform, node), (started, cold, warm) in found.items()
    }


def _peaks(connection: sqlite3.Connection, names: str) -> dict[tuple[str, Platform], int]:
    rows = connection.execute(
        "SELECT run.target, attempt.platform, attempt.memory"
        " FROM run CROSS JOIN attempt ON attempt.run = run.number AND attempt.memory IS NOT NULL"
        " WHERE run.target IN (SELECT value FROM json_each(?)) ORDER BY run.target DESC, run.number DESC",
        (names,),
    )
    recent: dict[tuple[str, str], list[int]] = defaultdict(list)
    for target, platform, memory in rows:
        of_job = recent[target, platform]
        if len(of_job) < RECENT:
            of_job.append(memory)
    return {(target, platforms.parse(platform)): max(memory) for (target, platform), memory in recent.items()}
