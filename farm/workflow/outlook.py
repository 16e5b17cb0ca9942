"""What a run expects of its nodes: how long jobs take there, what memory they take, and who is to be left alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import cached_property

from farm.history.learned import Learned
from farm.history.speeds import speeds
from farm.history.strikes import Strike
from farm.plan import seats
from farm.plan.estimate import Estimates, estimates
from farm.plan.jobs import Seat
from farm.platforms import Platform
from farm.workflow.crew import Crew
from farm.workflow.journal import Chronicle


class Outlook:
    """Ask it once the crew is mustered. `names` are the targets' names in the history."""

    def __init__(self, crew: Crew, chronicle: Chronicle, names: Mapping[str, str]) -> None:
        self._crew = crew
        self._chronicle = chronicle
        self._names = names

    @cached_property
    def estimates(self) -> Estimates:
        """How long each job is expected to take on each node."""
        return estimates(
            self._learned, speeds(self._learned), self._crew.nodes, now=datetime.now(UTC), names=self._names
        )

    def peaks(self, target: str) -> Mapping[Platform, int]:
        """The most memory that a build of the target was seen to take, in bytes."""
        kept = self._names[target]
        return {platform: peak for (name, platform), peak in self._learned.peaks.items() if name == kept}

    def seats(self, lost: Collection[str]) -> dict[str, Seat]:
        """The nodes as they are now; `lost` ones have lost a build of this run."""
        crew = self._crew
        drained = {name: reason for name in crew.nodes if (reason := crew.conditions.drained(name))}
        return seats.seats(crew.nodes, crew.survey.answers, resting=self._resting, lost=lost, drained=drained)

    async def until_change(self) -> None:
        """Return when the next node is drained, or may be used again."""
        await self._crew.conditions.until_change()

    @cached_property
    def _learned(self) -> Learned:
        return self._chronicle.learned(set(self._names.values()))

    @cached_property
    def _resting(self) -> Mapping[str, Strike]:
        return self._chronicle.resting()
