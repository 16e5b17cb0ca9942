"""The jobs of one target: what the dispatcher gives to nodes, and what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from farm.build import join, linked
from farm.errors import BuildFailedError, FarmError
from farm.plan import matrix
from farm.plan.planner import Assignment
from farm.platforms import Platform
from farm.report.events import BuildFailed
from farm.report.outcome import Built, Failed, Outcome
from farm.sources.targets import Target
from farm.workflow import resume
from farm.workflow.bench import Bench
from farm.workflow.join_builder import winners
from farm.workflow.platform import build_platform
from farm.workflow.ready import Ready
from farm.workflow.whereabouts import Whereabouts
from farm.workflow.work import Work


class Batch:
    """`outcomes` grows with every platform that comes to its end; `needs` are the batches that this one builds on."""

    def __init__(self, target: Target, made: Ready, bench: Bench, needs: Mapping[str, Batch]) -> None:
        self.platforms = made.platforms
        self.outcomes: list[Outcome] = []
        self._target = target
        self._made = made
        self._bench = bench
        self._needs = needs
        self._placed: dict[Platform, Assignment] = {}

    def take_over(self) -> None:
        """Make what an earlier run has built a part of this one."""
        self.outcomes += resume.take_over(self._made.kept, self._bench)

    def works(self, *, usable: Collection[str], peaks: Mapping[Platform, int]) -> list[Work]:
        """Everything that is to be built; see `matrix.jobs`. Raises UsageError."""
        assignments = self._made.plan.assignments
        jobs = matrix.jobs(
            self._target,
            assignments,
            usable=usable,
            platforms={name: need.platforms for name, need in self._needs.items()},
            peaks=peaks,
        )
        works = [
            Work(
                job=job,
                assignment=assignment,
                build=self._build,
                emit=self._bench.emit,
                outcome=asyncio.get_running_loop().create_future(),
                may_double=self._bench.place.collect is None and self._bench.place.layouts is None,
            )
            for job, assignment in zip(jobs, assignments, strict=True)
        ]
        for work in works:
            work.outcome.add_done_callback(self._take)
        return works

    async def image_for(self, platform: Platform) -> str:
        """Where a platform of another target finds the image that it builds on. Raises FarmError."""
        mine = linked.platform_for(platform, self.platforms)
        found = (each for each in self.outcomes if isinstance(each, Built) and each.platform == mine)
        built = next(found, None)
        if built is None:
            # It may be missing there, if that was allowed; then nobody waited for it.
            raise BuildFailedError(f"{self._target.name}, which it builds on, is not there for {platform}")
        layouts = self._bench.place.layouts
        if layouts is not None:
            folder = linked.layout_folder(layouts, built.platform)
            return await linked.in_layout(folder, built.platform, pushed=built.digest)
        assert self._bench.repository is not None
        assert built.digest is not None
        return linked.in_registry(self._bench.repository, built.digest)

    async def _build(self, assignment: Assignment, whereabouts: Whereabouts) -> Outcome:
        bench = self._bench
        self._begin_join(assignment)
        try:
            images = {name: await need.image_for(assignment.platform) for name, need in self._needs.items()}
        except FarmError as error:
            bench.emit(BuildFailed(node=None, platform=assignment.platform, reason=error.what))
            return Failed(platform=assignment.platform, attempts=(), seconds=0.0, fix=error.fix, error=error)
        return await build_platform(assignment, replace(bench, spec=linked.resolved(bench.spec, images)), whereabouts)

    def _begin_join(self, assignment: Assignment) -> None:
        """Once all platforms have their nodes the join's builder can be made, while they build."""
        bench, places = self._bench, self._made.plan.assignments
        self._placed.setdefault(assignment.platform, assignment)
        is_wanted = bench.repository is not None and not self._made.kept and join.obstacle(bench.spec) is None
        if is_wanted and len(self._placed) == len(places) and self._placed[assignment.platform] is assignment:
            bench.join_builder.begin(winners(self._placed[place.platform] for place in places))

    def _take(self, ended: asyncio.Future[Outcome]) -> None:
        if ended.cancelled() or ended.exception():
            return
        outcome = ended.result()
        if isinstance(outcome, Failed) and not outcome.attempts:
            self._bench.journal.failed(outcome)
        self.outcomes.append(outcome)


async def all_of(works: Sequence[Work]) -> None:
    """Wait until each has its outcome. Raises what is no outcome, such as an error of the program."""
    if works:
        await asyncio.wait([work.outcome for work in works])
    for work in works:
        work.outcome.result()
