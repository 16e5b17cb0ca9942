"""The plan of a run, told when it is made, and beside it how every job went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from farm.plan.estimate import Estimates
from farm.plan.jobs import Job, Key, Placement, Running, Schedule, Seat
from farm.plan.schedule import schedule
from farm.report.events import Planned
from farm.report.run_report import Course, Span
from farm.workflow.work import Work


class Timetable:
    """`plan` is what was planned so far; jobs that come later are added to it."""

    def __init__(self) -> None:
        self.plan = Schedule(placements=())
        self._placements: dict[Key, Placement] = {}
        self._actual: dict[Key, Span] = {}

    def extend(
        self,
        works: Mapping[Key, Work],
        waiting: Mapping[Key, Job],
        seats: Mapping[str, Seat],
        estimates: Estimates,
        *,
        running: Sequence[Running],
        now: float,
    ) -> None:
        """Plan those of the `waiting` jobs that have no place yet, and say so."""
        if self._placements.keys() >= waiting.keys():
            return
        fresh = schedule(
            tuple(waiting.values()), seats, estimates.expect, alike=estimates.alike, running=running, now=now
        )
        added = [each for each in fresh.placements if each.key not in self._placements]
        self._placements |= {each.key: each for each in added}
        self.plan = replace(fresh, placements=tuple(self._placements.values()))
        for each in added:
            _tell(each, works[each.key], self.standbys(works[each.key], each.node))

    def standbys(self, work: Work, node: str) -> tuple[str, ...]:
        """All other nodes for a job: as the plan has them, then those that may come back."""
        place = self._placements.get(work.job.key)
        planned = [place.node, *(other.node for other in place.runners_up)] if place else []
        every = dict.fromkeys((*planned, work.assignment.node, *work.assignment.standbys))
        return tuple(name for name in every if name != node)

    def went(self, key: Key, span: Span) -> None:
        """Note how a job went."""
        self._actual[key] = span

    def courses(self, keys: Sequence[Key]) -> tuple[Course, ...]:
        """The jobs in the order of the plan, then those that were never planned."""
        order = dict.fromkeys((*self._placements, *keys))
        return tuple(
            Course(
                target=key.target,
                platform=key.platform,
                planned=_span(place) if (place := self._placements.get(key)) else None,
                actual=self._actual.get(key),
                is_guess=place is not None and place.expected.basis == "guess",
            )
            for key in order
        )


def _tell(placement: Placement, work: Work, standbys: tuple[str, ...]) -> None:
    assignment = work.assignment
    work.emit(
        Planned(
            platform=placement.key.platform,
            node=placement.node,
            standbys=standbys,
            reason=assignment.reason if assignment.emulated else placement.reason,
            emulated=assignment.emulated,
        )
    )


def _span(placement: Placement) -> Span:
    return Span(node=placement.node, start=placement.start, end=placement.end)
