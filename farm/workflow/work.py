"""A job of a run with what it takes to do it, and one go at it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from farm.plan.jobs import Job, Running, Start
from farm.plan.planner import Assignment
from farm.report.events import Emit
from farm.report.outcome import Outcome
from farm.workflow.whereabouts import Whereabouts


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A job and how to do it.

    `assignment` has its nodes in the planner's order, with those that may come back. `build` does it on the nodes that
    it is given, and `outcome` is what came of it. `may_double`: two nodes may do it at the same time.
    """

    job: Job
    assignment: Assignment
    build: Callable[[Assignment, Whereabouts], Coroutine[Any, Any, Outcome]]
    emit: Emit
    outcome: asyncio.Future[Outcome]
    may_double: bool = True


class Foreman(Protocol):
    """Who gives the nodes to the jobs, as a job sees him."""

    def advance(self) -> frozenset[str]:
        """Start what can start now; the nodes where that is."""

    def lost(self, node: str) -> None:
        """The node has lost a build."""

    def is_done_at(self, node: str, work: Work) -> bool:
        """Whether somebody does this very job there."""


class Go:
    """One go at a job, on one node after the other. `node` is None while it needs none; `started` is in seconds."""

    def __init__(self, work: Work, start: Start, started: float, foreman: Foreman) -> None:
        self.work = work
        self.node: str | None = start.node
        self.started = started
        self._expected = start.expected
        self._foreman = foreman

    @property
    def running(self) -> Running:
        """The same for the dispatch. One without a node holds none; who needs the job must wait all the same."""
        return Running(job=self.work.job, node=self.node or "", started=self.started, expected=self._expected)

    def begin(self, assignment: Assignment) -> asyncio.Task[Outcome]:
        """Do it, and do not wait."""
        self._task = asyncio.create_task(self.work.build(assignment, self))
        return self._task

    def cancel(self) -> None:
        """Another go has won."""
        self._task.cancel()

    def takes(self, node: str) -> None:
        """The job turns to a node; where another go is there already, this one ends."""
        if node != self.node and self._foreman.is_done_at(node, self.work):
            self.cancel()
        self.node = node

    def leaves(self) -> bool:
        """The job needs its node no more. Whether another job of the run follows there at once."""
        node, self.node = self.node, None
        return node is not None and node in self._foreman.advance()

    def loses(self, node: str) -> None:
        """The node has gone while the job was there."""
        self._foreman.lost(node)
