"""What a run remembers of itself and of earlier ones. A history that fails is a warning, never a failed build."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from farm.history.durations import usual
from farm.history.errors import HistoryError
from farm.history.history import History
from farm.history.learned import Learned
from farm.history.records import Resumable
from farm.history.strikes import Strike
from farm.platforms import Platform
from farm.report.events import Emit, Warned
from farm.report.outcome import Attempt, Built, Failed
from farm.sources.inputs import Inputs

T = TypeVar("T")


class Chronicle:
    """The history as one run uses it: every call answers, with nothing where the history cannot."""

    def __init__(self, history: History | None, emit: Emit) -> None:
        self._history = history
        self._emit = emit

    def ask(self, call: Callable[[History], T]) -> T | None:
        """What the history answers; None once it has failed, which is told the first time."""
        if self._history is None:
            return None
        try:
            return call(self._history)
        except HistoryError as error:
            self._emit(Warned(message=f"{error.what}; this run is not remembered"))
            self._history.close()
            self._history = None
            return None

    def resting(self) -> Mapping[str, Strike]:
        """The nodes that rest after losing builds, by the local clock."""
        return self.ask(lambda history: history.resting(datetime.now().astimezone())) or {}

    def learned(self) -> Learned:
        """What earlier builds of all targets teach."""
        return self.ask(lambda history: history.learned()) or Learned()


class Journal:
    """What is remembered of one target of a run.

    `run` names the run and `name` the target, "" for one that was not named; `target` is what is built, the same from
    night to night. `has_begun` says whether the history has anything of it yet.
    """

    def __init__(
        self, chronicle: Chronicle, *, run: str, name: str = "", target: str, references: Sequence[str]
    ) -> None:
        self._ask = chronicle.ask
        self._run = f"{run}/{name}" if name else run
        self._target = target
        self._references = references
        self.has_begun = False

    def begin(self) -> None:
        """Record that the run has begun; ask what is to be resumed before."""
        now, references = datetime.now(UTC), self._references
        self.has_begun = True
        self._ask(lambda history: history.begin(self._run, target=self._target, references=references, started=now))

    def attempted(self, platform: Platform, number: int, attempt: Attempt) -> None:
        """Record one try as soon as it has ended."""
        self._ask(lambda history: history.attempted(self._run, platform, number, attempt))

    def finished(self, built: Built, inputs: Inputs, *, reused_from: str | None = None) -> None:
        """Record a platform that is there: from now on it survives the death of its node and of this run."""
        self._ask(lambda history: history.finished(self._run, built, inputs.components, reused_from=reused_from))

    def failed(self, failed: Failed) -> None:
        """Record a platform that is not there."""
        self._ask(lambda history: history.failed(self._run, failed))

    def end(self, *, exit_code: int, index: str | None, seconds: float) -> None:
        """Record how the run ended, be it before it had begun to build."""
        if not self.has_begun:
            self.begin()
        self._ask(lambda history: history.end(self._run, exit_code=exit_code, index=index, seconds=seconds))

    def resumable(self, run: str | None, references: Sequence[str]) -> Resumable | None:
        """The run to go on with. Raises UsageError for a named run that cannot be."""
        return self._ask(lambda history: history.resumable(run, references))

    def usual(self, platform: Platform, node: str) -> float | None:
        """Seconds that this target usually takes there with a cold cache; None where it was never built so."""
        return self._ask(lambda history: usual(history.durations(self._target, platform, node)))

    def strike(self, node: str) -> None:
        """Count a lost build against a node."""
        self._ask(lambda history: history.strike(node, datetime.now(UTC)))

    def absolve(self, node: str) -> None:
        """Forget the losses of a node that has built something."""
        self._ask(lambda history: history.absolve(node))


@contextlib.contextmanager
def opened(path: Path, *, emit: Emit) -> Iterator[Chronicle]:
    """Open the history for one run."""
    try:
        history = History.open(path)
    except HistoryError as error:
        emit(Warned(message=f"{error.what}; this run is not remembered"))
        history = None
    if history is not None and history.warning:
        emit(Warned(message=history.warning))
    try:
        yield Chronicle(history, emit)
    finally:
        if history is not None:
            history.close()
