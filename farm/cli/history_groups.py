"""The targets of one run, which the history keeps one by one, taken together. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from farm.errors import Exit
from farm.history.records import RunRecord
from farm.platforms import Platform
from farm.report.outcome import Built
from farm.report.run_report import worst


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A run with all its targets, at least one."""

    run: str
    targets: tuple[RunRecord, ...]

    @property
    def started(self) -> datetime:
        """When the first of them began."""
        return min(target.started for target in self.targets)

    @property
    def exit_code(self) -> int | None:
        """The worst of all, None while one has not ended; one that this farm does not know is worse than all."""
        codes = [target.exit_code for target in self.targets]
        if unknown := [code for code in codes if code is not None and code not in set(Exit)]:
            return unknown[0]
        return None if None in codes else worst(Exit(code) for code in codes if code is not None)

    @property
    def seconds(self) -> float | None:
        """From the first one's start to the last one's end; None while one has not ended."""
        ends = [each.started + timedelta(seconds=each.seconds) for each in self.targets if each.seconds is not None]
        return (max(ends) - self.started).total_seconds() if len(ends) == len(self.targets) else None

    @property
    def failed(self) -> frozenset[tuple[str, Platform]]:
        """The jobs that came to no image, by their target's name and their platform."""
        return frozenset(
            (target_of(target.run), platform.outcome.platform)
            for target in self.targets
            for platform in target.platforms
            if not isinstance(platform.outcome, Built)
        )


def grouped(records: Iterable[RunRecord]) -> tuple[Whole, ...]:
    """The runs that these targets belong to, in the order of their first one here; targets by name."""
    found: dict[str, list[RunRecord]] = {}
    for record in records:
        found.setdefault(run_of(record.run), []).append(record)
    return tuple(Whole(run=run, targets=by_name(targets)) for run, targets in found.items())


def by_name(targets: Iterable[RunRecord]) -> tuple[RunRecord, ...]:
    """The targets of one run by their names."""
    return tuple(sorted(targets, key=lambda each: each.run))


def run_of(name: str) -> str:
    """The run that a target of several (`RUN/NAME`) belongs to; a run's only target has the run's own name."""
    return name.partition("/")[0]


def target_of(name: str) -> str:
    """The target's name within its run, "" for a run's only one."""
    return name.partition("/")[2]
