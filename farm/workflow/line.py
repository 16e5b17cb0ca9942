"""One target's way from its context to its image. One straight line."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from farm.build import collect, linked
from farm.errors import BusyError, DependencyError, FarmError, InterruptedRunError
from farm.inventory import Inventory, Node
from farm.plan.dependents import depend_on
from farm.platforms import Platform
from farm.report.events import Emit, Event, TargetEnded, Warned
from farm.report.outcome import Outcome
from farm.report.power import PowerUse
from farm.report.report import Report
from farm.sources import giturl
from farm.sources.targets import Target
from farm.workflow import deliver, lock, ready, verdict
from farm.workflow.batch import Batch, all_of
from farm.workflow.destination import Destination
from farm.workflow.dispatcher import Dispatcher
from farm.workflow.furnish import furnished
from farm.workflow.journal import Journal
from farm.workflow.outlook import Outlook
from farm.workflow.run import Run, state_home
from farm.workflow.stages import Stages
from farm.workflow.together import both
from farm.workflow.workshop import Workshop


@dataclass(slots=True, kw_only=True)
class _Findings:
    """What the line has come to so far: an error must not lose what was there before it."""

    outcomes: Sequence[Outcome] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    absent: Sequence[Platform] = ()
    index: str | None = None
    output: str | None = None
    unchanged: bool = False


class Line:
    """Make one for each target, `check` all, then let each `go`: what goes wrong with one ends that one alone.

    `part` is the target's own part of the run, `emit` hears what happens to it, and `is_alone` says that the run has no
    other target. `error` is what ended it.
    """

    def __init__(self, target: Target, *, part: Run, journal: Journal, emit: Emit, is_alone: bool) -> None:
        self.target = target
        self.error: FarmError | None = None
        self.has_ended = False
        self._part = part
        self._journal = journal
        self._emit = emit
        self._is_alone = is_alone
        self._warnings: list[str] = []
        self._stages = Stages(self._tell)
        self._findings = _Findings()
        self._began, self._seconds = time.monotonic(), 0.0
        self._to: Destination | None = None
        self._batch: Batch | None = None
        self._is_ready = asyncio.Event()

    def check(self, inventory: Inventory, nodes: Mapping[str, Node], *, is_needed: bool) -> None:
        """Refuse what can be refused before anything is contacted; `is_needed`: another target builds on this."""
        if self.target.spec.output.type == "cacheonly" and not is_needed:
            self._tell(Warned(message="neither push nor output: the result stays in the nodes' build caches"))
        try:
            self._to = ready.checked(self.target, inventory, nodes)
        except FarmError as error:
            self.end(error)

    async def go(self, shop: Workshop, dispatcher: Dispatcher, outlook: Outlook, others: Mapping[str, Line]) -> None:
        """Run the whole line, unless it has ended before it could begin."""
        try:
            if not self.has_ended:
                await self._go(shop, dispatcher, outlook, others)
                self.end(None)
        except FarmError as error:
            self.end(error)
        except asyncio.CancelledError:
            # Only the end of the whole program is one of the run's; what is there until then is reported as always.
            self.end(INTERRUPTED)
            raise
        finally:
            self._is_ready.set()
            dispatcher.excuse({self.target.name})

    def end(self, error: FarmError | None) -> None:
        """Note how it ended; an error may come behind a good end, where something could not be closed."""
        self.error = self.error or error
        self.has_ended = True
        self._seconds = time.monotonic() - self._began
        report = self.report()
        # Each row waits for the disk, and an interrupted run has little time: what was never begun may go without.
        if error is not INTERRUPTED or self._is_alone or self._journal.has_begun:
            self._journal.end(exit_code=report.exit_code, index=report.index, seconds=report.seconds)
        if not self._is_alone:
            self._emit(TargetEnded(seconds=report.seconds, error=self.error.what if self.error else None))

    def report(self, *, power: Sequence[PowerUse] = (), warnings: Sequence[str] = ()) -> Report:
        """What the target has come to; `power` and `warnings` are those of the run, for its only target."""
        found, spec = self._findings, self.target.spec
        return Report(
            run=self._part.id,
            logs=str(self._part.logs),
            target=giturl.without_login(spec.context),
            references=spec.tags if spec.output.type == "registry" else (),
            index=found.index,
            output=found.output,
            outcomes=tuple(found.outcomes),
            stages=self._stages.seconds,
            seconds=self._seconds,
            missing=found.missing,
            power=tuple(power),
            absent=tuple(found.absent) if self.error is None else (),
            warnings=(*warnings, *self._warnings),
            error=self.error,
            name=self.target.name,
            unchanged=found.unchanged,
        )

    async def _go(self, shop: Workshop, dispatcher: Dispatcher, outlook: Outlook, others: Mapping[str, Line]) -> None:
        target, part = self.target, self._part
        assert self._to is not None
        async with contextlib.AsyncExitStack() as stack:
            await self._lock(stack, shop, dispatcher)
            layouts = self._layouts(self._to, others)
            async with shop.turns:
                made, _ = await both(
                    ready.ready(
                        target,
                        self._to,
                        shop,
                        may_keep=layouts is None,
                        may_resume=not target.needs,
                        stages=self._stages,
                        journal=self._journal,
                        emit=self._tell,
                    ),
                    outlook.learn(),
                )
            self._findings.missing = {answer.node: answer.error.what for answer in made.plan.missing}
            needs = {name: await others[name].batch(name) for name in target.needs}
            self._journal.begin()
            folder = stack.enter_context(deliver.collecting(made.spec.output, part.spool))
            bench = furnished(
                target, made, shop, part=part, collect=folder, layouts=layouts, journal=self._journal, emit=self._tell
            )
            stack.push_async_callback(bench.join_builder.close)
            self._batch = batch = Batch(target, made, bench, needs)
            works = batch.works(usable=shop.crew.survey.reached, peaks=outlook.peaks(target.name))
            self._findings.outcomes = batch.outcomes
            batch.take_over()
            self._is_ready.set()
            with self._stages.measured("build"):
                dispatcher.put(target.name, works)
                await all_of(works)
            self._findings.outcomes = verdict.in_order(batch.outcomes, made.platforms)
            shop.remember(bench.checked)
            found = verdict.publishable(self._findings.outcomes, made.platforms, allowed=shop.request.allow_missing)
            self._findings.absent = found.absent
            if self._to.references:
                delivered = await deliver.joined(
                    found.built,
                    self._to.references,
                    bench,
                    made.source,
                    self._stages,
                    absent=found.absent,
                    is_resumed=bool(made.kept),
                    moves_identical=shop.request.moves_identical,
                )
                self._findings.index, self._findings.unchanged = delivered.index, delivered.unchanged
            elif folder is not None:
                with self._stages.measured("collect"):
                    self._findings.index = await collect.join(
                        made.spec, folder, [outcome.platform for outcome in found.built]
                    )
                self._findings.output = made.spec.output.dest

    async def batch(self, name: str) -> Batch:
        """The target's jobs, for those that build on them. Raises DependencyError where there are none."""
        await self._is_ready.wait()
        if self._batch is None:
            raise DependencyError(name, self.error or INTERRUPTED)
        return self._batch

    async def _lock(self, stack: contextlib.AsyncExitStack, shop: Workshop, dispatcher: Dispatcher) -> None:
        """Take the locks of the target's tags; the others need not wait for a target that has to."""
        request = shop.request
        locked = partial(
            lock.held, self.target.spec.tags, directory=state_home() / "locks", run=self._part.id, emit=self._tell
        )
        try:
            await stack.enter_async_context(locked(wait=None))
        except BusyError:
            if request.wait is None:
                raise
            dispatcher.excuse(depend_on(self.target.name, request.targets))
            await stack.enter_async_context(locked(wait=request.wait))

    def _layouts(self, to: Destination, others: Mapping[str, Line]) -> Path | None:
        """Where the target's images are kept for those that build on it; None where none does, or they can pull it."""
        is_needed = any(self.target.name in other.target.needs for other in others.values())
        if not is_needed or not linked.keeps_layout(self.target.spec.output, insecure=to.insecure):
            return None
        return self._part.spool / "layouts"

    def _tell(self, event: Event) -> None:
        if isinstance(event, Warned) and not self._is_alone:
            self._warnings.append(event.message)
        self._emit(event)


INTERRUPTED = InterruptedRunError("interrupted", fix="build again; with --resume what was pushed is not built again")
