"""One platform from its first try to its outcome: tries, pauses, standbys."""

from __future__ import annotations

import time
from dataclasses import replace

from farm.build.failures import Kind
from farm.errors import FarmError
from farm.plan.failover import Again, decide
from farm.plan.planner import Assignment
from farm.registry.verify import Checked
from farm.report.events import AttemptFailed, BuildFailed, BuildFinished, BuildStarted
from farm.report.outcome import Attempt, Built, Failed, Outcome
from farm.retry import retrying
from farm.workflow import attempt, remedy
from farm.workflow.attempt import Success, TryFailedError
from farm.workflow.bench import Bench
from farm.workflow.whereabouts import Whereabouts


async def build_platform(assignment: Assignment, bench: Bench, whereabouts: Whereabouts) -> Outcome:
    """Build until it is there and checked in the registry, or until no further try makes sense.

    `whereabouts` hears on which node it stands. Every try and the outcome are in the history before this returns.
    """
    course = _Course(assignment, bench, whereabouts)
    try:
        built = await retrying(course.once, pause_after=course.pause_after)
    except TryFailedError as error:
        return course.failed(error.diagnosis.fix, output=error.output, is_turned_away=error.is_turned_away)
    except FarmError as error:
        # One platform's bad end must not take the others' work along.
        return course.failed(error.fix, error=error)
    _tell(built, bench)
    return built


class _Course:
    """Where a platform's tries have come to: whose turn it is and how, the nodes that are left, and what was tried."""

    def __init__(self, assignment: Assignment, bench: Bench, whereabouts: Whereabouts) -> None:
        self._whereabouts = whereabouts
        self._assignment = assignment
        self._platform = assignment.platform
        self._bench = bench
        self._turn = Again(node=assignment.node, pause=0, why=assignment.reason)
        self._standbys = list(assignment.standbys)
        self._cyclable: set[str] = set()
        self._attempts: list[Attempt] = []
        # Waiting for a slot is not the platform's own time: the next run's estimate would learn nonsense.
        self._began: float | None = None

    async def once(self) -> Built:
        """Try on the node whose turn it is."""
        await self._bench.gate.opened()
        node = self._turn.node
        self._whereabouts.takes(node)
        try:
            async with self._bench.slots[node].taken(alone=self._turn.is_alone):
                success = await self._tried(node, len(self._attempts) + 1)
        finally:
            self._whereabouts.leaves()
        # The node need not wait for the registry: its slot is free for the next platform meanwhile.
        checked = await attempt.checked(self._platform, success.tried, self._bench)
        return _built(self._assignment, node, success, checked, tuple(self._attempts), self._seconds)

    async def _tried(self, node: str, number: int) -> Success:
        """One try, with the node's slot in hand; how it went is among the attempts."""
        bench = self._bench
        tried_at = time.monotonic()
        self._began = tried_at if self._began is None else self._began
        bench.emit(BuildStarted(node=node, platform=self._platform, attempt=number))
        kind, reason, notes = None, "built", []
        with bench.conditions.working(node) as work:
            try:
                if self._turn.prunes:
                    notes.append(await remedy.prune(node, [self._platform], bench))
                if self._turn.is_alone:
                    notes.append(self._alone)
                    bench = self._with_one_job()
                return await attempt.once(
                    self._platform, node, number, bench, self._whereabouts, may_wait=not self._standbys
                )
            except TryFailedError as error:
                kind, reason = error.diagnosis.kind, error.diagnosis.reason
                raise
            finally:
                self._attempts.append(
                    Attempt(
                        node=node,
                        kind=str(kind) if kind else None,
                        reason="; ".join((reason, *notes)),
                        seconds=time.monotonic() - tried_at,
                        memory=work.peak(out_of_memory=kind is Kind.OUT_OF_MEMORY),
                    )
                )

    def pause_after(self, error: Exception, _tries: int) -> float | None:
        """Decide and say what follows a failed try; None where nothing does."""
        if not isinstance(error, TryFailedError):
            return None
        last, journal = self._attempts[-1], self._bench.journal
        journal.attempted(self._platform, len(self._attempts), last)
        if error.diagnosis.kind is Kind.NODE_LOST:
            journal.strike(last.node)
            if self._bench.switches.may_cycle(last.node) and last.node not in self._cyclable:
                # Its power brings it back, if it has not come back by itself once all others have had their turn.
                self._cyclable.add(last.node)
                self._standbys.append(last.node)
        move = decide(
            self._attempts,
            standbys=self._standbys,
            policy=self._bench.policy,
            elapsed=self._seconds,
            memory=self._bench.memory,
        )
        self._bench.emit(
            AttemptFailed(
                node=last.node,
                platform=self._platform,
                attempt=len(self._attempts),
                kind=error.diagnosis.kind,
                reason=error.diagnosis.reason,
                next=f"{move.why}, {self._alone}" if isinstance(move, Again) and move.is_alone else move.why,
            )
        )
        if not isinstance(move, Again):
            return None
        self._turn = move
        self._standbys = [name for name in self._standbys if name != move.node]
        return move.pause

    def failed(
        self,
        fix: str | None,
        *,
        output: tuple[str, ...] = (),
        is_turned_away: bool = False,
        error: FarmError | None = None,
    ) -> Failed:
        """The outcome where no try has led to an image."""
        failed = Failed(
            platform=self._platform,
            attempts=tuple(self._attempts),
            seconds=self._seconds,
            fix=fix,
            output=output,
            is_turned_away=is_turned_away,
            error=error,
        )
        self._bench.journal.failed(failed)
        tried = self._attempts[-1] if self._attempts else None
        reason = error.what if error else tried.reason if tried else "it was not tried"
        self._bench.emit(BuildFailed(node=tried.node if tried else None, platform=self._platform, reason=reason))
        return failed

    @property
    def _alone(self) -> str:
        return f"alone there, with {remedy.JOBS}=1" if self._bench.takes_jobs else "alone there"

    def _with_one_job(self) -> Bench:
        bench = self._bench
        if not bench.takes_jobs:
            return bench
        # The join would give every platform the same arguments, and build this one anew.
        bench.obstacles.append(f"{self._platform} was built with {remedy.JOBS}=1")
        return replace(bench, spec=remedy.with_one_job(bench.spec))

    @property
    def _seconds(self) -> float:
        return 0.0 if self._began is None else time.monotonic() - self._began


def _built(
    assignment: Assignment,
    node: str,
    success: Success,
    checked: Checked | None,
    attempts: tuple[Attempt, ...],
    seconds: float,
) -> Built:
    tried = success.tried
    return Built(
        platform=assignment.platform,
        node=node,
        engine=f"{success.endpoint.engine} {success.endpoint.version}",
        digest=checked.digest if checked else None,
        pushed=tried.pushed,
        attempts=attempts,
        seconds=seconds,
        cached=tried.cached,
        total=tried.total,
        sent=tried.sent,
        emulated=assignment.emulated,
        program=f"{checked.program} ({checked.elf})" if checked and checked.program else None,
    )


def _tell(built: Built, bench: Bench) -> None:
    """Remember it, then say it: what was said must survive whatever comes next."""
    bench.journal.finished(built, bench.inputs[built.platform])
    bench.journal.absolve(built.node)
    bench.emit(
        BuildFinished(
            node=built.node,
            platform=built.platform,
            digest=built.digest,
            seconds=built.seconds,
            cached=built.cached,
            total=built.total,
        )
    )
