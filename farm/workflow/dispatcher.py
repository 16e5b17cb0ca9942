"""Gives the jobs of a run to its nodes: each as soon as there is room for it where it is expected to end first."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Protocol, Self

from farm.errors import BuildFailedError, DependencyError
from farm.plan import dispatch
from farm.plan.estimate import Estimates
from farm.plan.jobs import Job, Key, Seat, Start
from farm.report.events import BuildFailed, Duplicated, Stolen, Warned
from farm.report.outcome import Built, Failed, Outcome
from farm.report.run_report import Course, Span
from farm.workflow.rests import Rests
from farm.workflow.timetable import Timetable
from farm.workflow.work import Go, Work

# Seconds between two looks whether a job that is left alone has become a straggler.
_LOOK_EVERY = 1.0
# Seconds after which it is asked again where waiting jobs should go, though nothing has ended: what is late makes it
# worth more to build cold on an idle node than to wait for a warm one.
_ASK_AGAIN = 10.0


class Expectations(Protocol):
    """What is expected of the nodes (farm.workflow.outlook)."""

    @property
    def estimates(self) -> Estimates:
        """How long each job is expected to take on each node."""

    def seats(self, lost: Collection[str]) -> Mapping[str, Seat]:
        """The nodes as they are now; `lost` ones have lost a build of this run."""

    async def until_change(self) -> None:
        """Return when the next node is drained, or may be used again."""


class Dispatcher:
    """Enter it, then let every target `put` its jobs or be `excused`: nothing starts before all of them have.

    With `duplicates` a job that is left alone and late is done on an idle node too; the first one wins.
    """

    def __init__(self, targets: Collection[str], expectations: Expectations, *, duplicates: bool = False) -> None:
        self._awaited = set(targets)
        self._expectations = expectations
        self._duplicates = duplicates
        self._works: dict[Key, Work] = {}
        self._waiting: dict[Key, Job] = {}
        self._goes: dict[asyncio.Task[Outcome], Go] = {}
        self._rests = Rests()
        self._told: dict[Key, str] = {}
        self._timetable = Timetable()
        self._began: float | None = None
        self._looking: asyncio.Task[None] | None = None
        self._asking: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._waiting.clear()
        self._duplicates = False
        self._ask_again()
        tasks = [*self._goes, *([self._looking] if self._looking else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def excuse(self, targets: Collection[str]) -> None:
        """These targets have no jobs, or not for a long time: the others need not wait for them."""
        if self._awaited.intersection(targets):
            self._awaited.difference_update(targets)
            self.advance()

    def put(self, target: str, works: Sequence[Work]) -> None:
        """Take a target's jobs. Each starts when it may, and its `outcome` is set once."""
        self._works |= {work.job.key: work for work in works}
        self._waiting |= {work.job.key: work.job for work in works}
        self._awaited.discard(target)
        for need in dict.fromkeys(need for work in works for need in work.job.needs):
            if (known := self._works.get(need)) and known.outcome.done():
                self._pass_on(need, known.outcome.result())
        self.advance()

    def courses(self) -> tuple[Course, ...]:
        """Every job as it was planned and as it went."""
        return self._timetable.courses(tuple(self._works))

    def advance(self) -> frozenset[str]:
        """Start what can start now; the nodes where that is."""
        if self._awaited or not self._waiting:
            return frozenset()
        if self._looking is None:
            self._began = self._clock()
            self._looking = asyncio.create_task(self._look())
        seats, expected = self._expectations.seats(self._rests.names), self._expectations.estimates
        running = tuple(go.running for go in self._goes.values())
        self._timetable.extend(self._works, self._waiting, seats, expected, running=running, now=self._now)
        starts = dispatch.next_jobs(
            tuple(self._waiting.values()),
            running,
            seats,
            expected.expect,
            plan=self._timetable.plan,
            now=self._now,
            alike=expected.alike,
        )
        for start in starts:
            self._start(start)
        self._tell_who_waits(seats)
        self._ask_again()
        return frozenset(start.node for start in starts)

    def lost(self, node: str) -> None:
        """The node has lost a build: others come first until it has rested, as between runs."""
        self._rests.has_lost(node)

    def is_done_at(self, node: str, work: Work) -> bool:
        """Whether somebody does this very job there."""
        return any(go.work is work and go.node == node for go in self._goes.values())

    def _start(self, start: Start) -> None:
        work = self._works[start.key]
        del self._waiting[start.key]
        if start.planned is not None:
            work.emit(Stolen(node=start.node, platform=start.key.platform, planned=start.planned, reason=start.reason))
        self._go(work, start, self._timetable.standbys(work, start.node))

    def _double(self, start: Start) -> None:
        """Do a straggler's job on an idle node, too."""
        (late,) = (go for go in self._goes.values() if go.work.job.key == start.key)
        if late.work.may_double and late.node is not None:
            late.work.emit(
                Duplicated(node=start.node, platform=start.key.platform, straggler=late.node, reason=start.reason)
            )
            self._go(late.work, start, ())

    def _go(self, work: Work, start: Start, standbys: tuple[str, ...]) -> None:
        go = Go(work, start, self._now, self)
        task = go.begin(replace(work.assignment, node=start.node, standbys=standbys))
        self._goes[task] = go
        task.add_done_callback(self._came_to_an_end)

    def _came_to_an_end(self, task: asyncio.Task[Outcome]) -> None:
        go = self._goes.pop(task)
        outcome, others = go.work.outcome, [each for each in self._goes.values() if each.work is go.work]
        try:
            if outcome.done():
                pass
            elif task.cancelled():
                if not others:
                    outcome.cancel()
            elif isinstance(result := task.result(), Built) or not others:
                self._take(go, result)
                for other in others:
                    other.cancel()
            self.advance()
        except Exception as error:
            # Nobody hears an error of a callback: all would wait for ever.
            for work in self._works.values():
                if not work.outcome.done():
                    work.outcome.set_exception(error)

    def _take(self, go: Go, result: Outcome) -> None:
        node = result.node if isinstance(result, Built) else next((a.node for a in result.attempts[-1:]), None)
        if node is not None:
            self._timetable.went(go.work.job.key, Span(node=node, start=go.started, end=self._now))
        if isinstance(result, Built):
            self._rests.has_built(result.node)
        go.work.outcome.set_result(result)
        self._pass_on(go.work.job.key, result)

    def _pass_on(self, need: Key, result: Outcome) -> None:
        """Give up what needs a job that is not there, and all that needs that in turn."""
        if isinstance(result, Built):
            return
        error = DependencyError(need.target, result.error or BuildFailedError(f"{need.target} was not built"))
        for key, job in list(self._waiting.items()):
            if need in job.needs and key in self._waiting:
                del self._waiting[key]
                failed = Failed(platform=key.platform, attempts=(), seconds=0.0, error=error)
                self._works[key].emit(BuildFailed(node=None, platform=key.platform, reason=error.what))
                self._works[key].outcome.set_result(failed)
                self._pass_on(key, failed)

    def _tell_who_waits(self, seats: Mapping[str, Seat]) -> None:
        """Say of a job that could start, once for each reason, that all of its nodes are to be left alone."""
        for key, job in self._waiting.items():
            reasons = {name: seats[name].drained for name in job.nodes if name in seats}
            why = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
            if None not in reasons.values() and self._told.get(key) != why and not self._is_held_up(job):
                self._told[key] = why
                self._works[key].emit(Warned(message=f"{key.platform} waits until a node can take it: {why}"))

    def _is_held_up(self, job: Job) -> bool:
        """Whether something that the job needs is still to be done."""
        return any(need in self._waiting for need in job.needs) or any(
            go.work.job.key in job.needs for go in self._goes.values()
        )

    def _ask_again(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
        waits = bool(self._goes and self._waiting)
        self._asking = asyncio.get_running_loop().call_later(_ASK_AGAIN, self.advance) if waits else None

    async def _look(self) -> None:
        """Go on when a node may be used again; duplicate a job that has become a straggler."""
        while True:
            try:
                async with asyncio.timeout(_LOOK_EVERY if self._duplicates else None):
                    await self._expectations.until_change()
                self.advance()
            except TimeoutError:
                if self._goes and not self._waiting:
                    seats, expected = self._expectations.seats(self._rests.names), self._expectations.estimates
                    running = [go.running for go in self._goes.values()]
                    if late := dispatch.straggler(running, seats, expected.expect, now=self._now):
                        self._double(late)

    @property
    def _now(self) -> float:
        """Seconds since the first job could start."""
        return self._clock() - self._began if self._began is not None else 0.0

    @staticmethod
    def _clock() -> float:
        return asyncio.get_running_loop().time()
