"""The history of all runs: one object over the database, used by one run at a time and by any of its threads."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from farm.history import database, learning, pushes, read, write
from farm.history import newest as last
from farm.history.durations import RECENT, Duration
from farm.history.errors import trouble
from farm.history.learned import Learned, Mark
from farm.history.newest import Newest
from farm.history.pushes import Pushed
from farm.history.records import Resumable, RunRecord
from farm.history.strikes import Strike, next_strike
from farm.platforms import Platform
from farm.report.outcome import Attempt, Built, Failed

if TYPE_CHECKING:
    import sqlite3


class History:
    """Every call is one transaction that is on the disk when it returns; every call raises HistoryError.

    `warning` says in words what was wrong with the file, if anything.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, warning: str | None) -> None:
        self.warning = warning
        self._path = path
        self._connection = connection
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the history at `path`, or begin one there. A broken file is moved aside, with a warning."""
        connection, warning = database.connect(path)
        return cls(path, connection, warning)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        with self._lock:
            self._connection.close()

    def begin(self, run: str, *, target: str, references: Sequence[str], started: datetime) -> None:
        """Record a run that begins. `target` is what it builds, the same from night to night whatever the tags."""
        with self._writing() as connection:
            write.begin(connection, run, target=target, references=references, started=started)

    def attempted(self, run: str, platform: Platform, number: int, attempt: Attempt) -> None:
        """Record one try as soon as it has ended: of a run that is killed no more is left. Tries count from 1."""
        with self._writing() as connection:
            write.attempt(connection, write.number(connection, run), platform, number, attempt)

    def finished(self, run: str, built: Built, inputs: Mapping[str, str], *, reused_from: str | None = None) -> None:
        """Record a platform that is there with its tries, and the components of what it was built from.

        `reused_from` names the run that built it, where this one found it there.
        """
        with self._writing() as connection:
            write.finished(connection, run, built, inputs, reused_from)

    def failed(self, run: str, failed: Failed) -> None:
        """Record a platform that is not there, with every try."""
        with self._writing() as connection:
            write.failed(connection, run, failed)

    def end(self, run: str, *, exit_code: int, index: str | None, seconds: float) -> None:
        """Record how the run ended: its exit code, the digest that its tags have now, and how long it took."""
        with self._writing() as connection:
            write.end(connection, run, exit_code=exit_code, index=index, seconds=seconds)

    def resumable(self, run: str | None, references: Sequence[str]) -> Resumable | None:
        """The run to go on with: the named one, else the latest for these references; None where that ended well.

        Ask before the new run begins. A run that never ended (a killed one) counts. Without a name, platforms come from
        all runs since the last that ended well, the newest first: a resumed run may have been killed before it built
        any. Raises UsageError for a named run that there is not, that built something else, or that ended well; of one
        with several targets there is None for something else, and all of what ended well.
        """
        with self._reading() as connection:
            return read.named(connection, run, references) if run else read.latest(connection, references)

    def durations(self, target: str, platform: Platform, node: str) -> tuple[Duration, ...]:
        """How long the target took on this platform and node, at most 20 times, the most recent first."""
        with self._reading() as connection:
            return read.durations(connection, target, platform, node, RECENT)

    def learned(self, targets: Collection[str] | None = None) -> Learned:
        """What all earlier builds of these targets teach, on whatever nodes and for whatever platforms.

        None is all: how fast nodes are shows in whatever they built, and what a new image takes is guessed from it.
        """
        with self._reading() as connection:
            return learning.learned(connection, targets)

    def mark(self, node: str, mark: Mark) -> None:
        """Remember how a node did in the probe benchmark."""
        with self._writing() as connection:
            write.mark(connection, node, mark)

    def marks(self) -> dict[str, Mark]:
        """How every node did in the probe benchmark that was ever asked."""
        with self._reading() as connection:
            return learning.marks(connection)

    def newest(self, names: Collection[str]) -> dict[str, Newest]:
        """The last of each named target that was ever built, by name."""
        with self._reading() as connection:
            return last.newest(connection, names)

    def runs(self, limit: int) -> tuple[RunRecord, ...]:
        """The targets of the newest runs, the most recent first; `limit` counts runs, not targets."""
        with self._reading() as connection:
            return read.runs(connection, read.NEWEST, limit)

    def targets(self, name: str) -> tuple[RunRecord, ...]:
        """All targets of the run of that name, or the one that is called so (`RUN/NAME`); none where nothing is."""
        with self._reading() as connection:
            return read.runs(connection, read.NAMED, name)

    def strikes(self, node: str) -> Strike | None:
        """What stands against a node, whether it still rests or not."""
        with self._reading() as connection:
            return read.strikes(connection).get(node)

    def resting(self, now: datetime) -> dict[str, Strike]:
        """The nodes that are left alone now, each with why. `now` has a zone, and so have the times in the answer."""
        with self._reading() as connection:
            return {node: strike for node, strike in read.strikes(connection).items() if not strike.is_over(now)}

    def strike(self, node: str, now: datetime) -> Strike:
        """Count a loss against a node, and say how long it rests for that."""
        with self._writing() as connection:
            strike = next_strike(node, read.strikes(connection).get(node), now)
            write.strike(connection, strike)
        return strike

    def absolve(self, node: str) -> None:
        """Forget the losses of a node that has built something again."""
        with self._writing() as connection:
            write.absolve(connection, node)

    def pushed(self, since: datetime) -> tuple[tuple[Pushed, ...], Mapping[tuple[str, str], int]]:
        """Every digest that was pushed, those of runs that began `since` then as needed; and which are gone since.

        Those are named by their repository and digest, with the number of the newest run at that time.
        """
        with self._reading() as connection:
            return pushes.pushed(connection, since), pushes.gone(connection)

    def note_gone(self, found: Mapping[str, Collection[str]]) -> None:
        """Remember by repository the digests that it does not hold any more."""
        with self._writing() as connection:
            pushes.note_gone(connection, found)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        # Immediate: a transaction that reads first could not wait for another writer, it would fail.
        with self._transaction("write", "BEGIN IMMEDIATE") as connection:
            yield connection

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._transaction("read", "BEGIN") as connection:
            yield connection

    @contextlib.contextmanager
    def _transaction(self, action: str, begin: str) -> Iterator[sqlite3.Connection]:
        import sqlite3

        connection = self._connection
        with self._lock:
            try:
                connection.execute(begin)
                try:
                    yield connection
                    connection.execute("COMMIT")
                finally:
                    # SQLite has rolled back by itself after some errors, a full disk among them.
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
            except sqlite3.Error as error:
                raise trouble(action, self._path, error) from error
