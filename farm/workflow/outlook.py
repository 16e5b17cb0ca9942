"""What a run expects of its nodes: how long jobs take there, what memory they take, and who is to be left alone."""

from __future__ import annotations

import asyncio
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
from farm.workflow.marks import marked


class Outlook:
    """Let it `learn` before anything else. `names` are the targets' names in the history."""

    def __init__(self, crew: Crew, chronicle: Chronicle, names: Mapping[str, str]) -> None:
        self._crew = crew
        self._chronicle = chronicle
        self._names = names
        self._learned: Learned | None = None
        self._learning = asyncio.Lock()

    async def learn(self) -> None:
        """Hear what the history teaches, the first time that anybody wants to know.

        Of several jobs, nodes that nothing in it compares do a benchmark meanwhile: one job needs no comparing.
        """
        await self._crew.muster()
        async with self._learning:
            if self._learned is None:
                learned = self._chronicle.learned()
                if len(self._names) > 1:
                    learned = await marked(learned, self._crew.survey.reached, self._chronicle.ask)
                self._learned = learned

    @cached_property
    def estimates(self) -> Estimates:
        """How long each job is expected to take on each node."""
        assert self._learned is not None
        return estimates(
            self._learned, speeds(self._learned), self._crew.nodes, now=datetime.now(UTC), names=self._names
        )

    def peaks(self, target: str) -> Mapping[Platform, int]:
        """The most memory that a build of the target was seen to take, in bytes."""
        assert self._learned is not None
        kept = self._names[target]
        return {platform: peak for (name, platform), peak in self._learned.peaks.items() if name == kept}

    def seats(self, lost: Collection[str]) -> dict[str, Seat]:
        """The nodes as they are now; `lost` ones have lost a build of this run."""
        crew = self._crew
        drained = {name: reason for name in crew.nodes if (reason := crew.conditions.drained(name))}
        answers = crew.conditions.as_of_now(crew.survey.answers)
        return seats.seats(crew.nodes, answers, resting=self._resting, lost=lost, drained=drained)

    async def until_change(self) -> None:
        """Return when the next node is drained, or may be used again."""
        await self._crew.conditions.until_change()

    @cached_property
    def _resting(self) -> Mapping[str, Strike]:
        return self._chronicle.resting()
