"""Which job starts where and when, on a clock that only passes by waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any

from farm.plan.estimate import Estimates
from farm.plan.jobs import NOBODY_ALIKE, Expected, Job, Key, Seat
from farm.plan.planner import Assignment
from farm.platforms import parse
from farm.report.events import Duplicated, Event, Planned, Warned
from farm.report.outcome import Attempt, Built, Failed, Outcome
from farm.workflow.dispatcher import Dispatcher
from farm.workflow.whereabouts import Whereabouts
from farm.workflow.work import Work
from tests.unit.workflow import clock

ARM64 = parse("linux/arm64")
SECONDS = 100.0


class Nodes:
    """What is expected of the nodes; a test says what changes."""

    def __init__(self, *names: str, slots: int = 1, seconds: Mapping[str, float] | None = None) -> None:
        self.drained: dict[str, str] = {}
        self.lost: Collection[str] = ()
        self.names = names
        self._slots = slots
        self._seconds = seconds or {}
        self._changed = asyncio.Event()

    @property
    def estimates(self) -> Estimates:
        return Estimates(
            expect=lambda _job, node: Expected(seconds=self._seconds.get(node, SECONDS)), alike=NOBODY_ALIKE
        )

    def seats(self, lost: Collection[str]) -> Mapping[str, Seat]:
        self.lost = set(lost)
        return {
            name: Seat(
                name=name,
                slots=self._slots,
                drained=self.drained.get(name),
                handicap=86400.0 if name in lost else 0.0,
            )
            for name in self.names
        }

    async def until_change(self) -> None:
        await self._changed.wait()

    def change(self, drained: Mapping[str, str]) -> None:
        self.drained = dict(drained)
        self._changed.set()
        self._changed = asyncio.Event()


def built(node: str) -> Built:
    attempt = Attempt(node=node, kind=None, reason="built", seconds=1)
    return Built(
        platform=ARM64,
        node=node,
        engine="",
        digest=None,
        pushed=None,
        attempts=(attempt,),
        seconds=1,
        cached=0,
        total=1,
        sent=0,
    )


class Jobs:
    """Jobs that only wait; where and when each began and ended is written down."""

    def __init__(self, nodes: Nodes) -> None:
        self.told: list[tuple[float, str, str, str]] = []
        self.events: list[Event] = []
        self._nodes = nodes

    def work(
        self,
        target: str,
        *needs: str,
        seconds: float | Mapping[str, float] = SECONDS,
        priority: int = 0,
        fails: bool = False,
        build: Callable[[Assignment, Whereabouts], Coroutine[Any, Any, Outcome]] | None = None,
    ) -> Work:
        async def wait(assignment: Assignment, _whereabouts: Whereabouts) -> Outcome:
            node = assignment.node
            self.told.append((clock.now(), target, "on", node))
            try:
                await asyncio.sleep(seconds if isinstance(seconds, float) else seconds[node])
            except asyncio.CancelledError:
                self.told.append((clock.now(), target, "cancelled", node))
                raise
            self.told.append((clock.now(), target, "ended", node))
            if fails:
                attempt = Attempt(node=node, kind="step failed", reason="exit code 1", seconds=1)
                return Failed(platform=ARM64, attempts=(attempt,), seconds=1)
            return built(node)

        return Work(
            job=Job(
                key=Key(target, ARM64),
                nodes=self._nodes.names,
                needs=tuple(Key(need, ARM64) for need in needs),
                priority=priority,
            ),
            assignment=Assignment(
                platform=ARM64,
                node=self._nodes.names[0],
                standbys=(*self._nodes.names[1:], "asleep"),
                reason="",
            ),
            build=build or wait,
            emit=self.events.append,
            outcome=asyncio.get_running_loop().create_future(),
        )

    def starts(self) -> dict[str, tuple[float, str]]:
        return {target: (at, node) for at, target, what, node in self.told if what == "on"}


async def _dispatched(
    nodes: Nodes, works: Sequence[Work], *, duplicates: bool = False, late: Mapping[str, float] | None = None
) -> Dispatcher:
    targets = [work.job.key.target for work in works]
    async with Dispatcher(targets, nodes, duplicates=duplicates) as dispatcher:
        for work in works:
            name = work.job.key.target
            if name not in (late or {}):
                dispatcher.put(name, [work])
        for name, seconds in (late or {}).items():
            dispatcher.excuse({name})
            await asyncio.sleep(seconds)
            dispatcher.put(name, [work for work in works if work.job.key.target == name])
        await asyncio.wait([work.outcome for work in works])
    return dispatcher


def test_jobs_fill_all_nodes_and_the_next_follows_as_soon_as_one_is_free() -> None:
    async def run() -> None:
        nodes = Nodes("pi4", "pi5")
        jobs = Jobs(nodes)
        dispatcher = await _dispatched(nodes, [jobs.work(name) for name in ("a", "b", "c", "d")])
        starts = jobs.starts()
        assert sorted(at for at, _ in starts.values()) == [0, 0, 100, 100]
        assert sorted(node for _, node in starts.values()) == ["pi4", "pi4", "pi5", "pi5"]
        for course in dispatcher.courses():
            assert course.planned == course.actual

    clock.run(run())


def test_nothing_starts_before_every_target_has_said_what_it_has() -> None:
    async def run() -> None:
        nodes = Nodes("pi4")
        jobs = Jobs(nodes)
        work = jobs.work("a")
        async with Dispatcher(["a", "b"], nodes) as dispatcher:
            dispatcher.put("a", [work])
            await asyncio.sleep(50)
            assert jobs.told == []
            dispatcher.excuse({"b"})
            await work.outcome
        assert jobs.starts() == {"a": (50, "pi4")}

    clock.run(run())


def test_a_target_that_comes_late_is_added_to_what_goes_on() -> None:
    async def run() -> None:
        nodes = Nodes("pi4")
        jobs = Jobs(nodes)
        works = [jobs.work("a"), jobs.work("late")]
        dispatcher = await _dispatched(nodes, works, late={"late": 30.0})
        assert jobs.starts() == {"a": (0, "pi4"), "late": (100, "pi4")}
        assert [course.target for course in dispatcher.courses()] == ["a", "late"]

    clock.run(run())


def test_the_higher_priority_comes_first() -> None:
    async def run() -> None:
        nodes = Nodes("pi4")
        jobs = Jobs(nodes)
        await _dispatched(nodes, [jobs.work("a"), jobs.work("b", priority=5), jobs.work("c", priority=9)])
        assert jobs.starts() == {"c": (0, "pi4"), "b": (100, "pi4"), "a": (200, "pi4")}

    clock.run(run())


def test_a_job_waits_for_what_it_needs() -> None:
    async def run() -> None:
        nodes = Nodes("pi4", "pi5")
        jobs = Jobs(nodes)
        await _dispatched(nodes, [jobs.work("app", "base"), jobs.work("base", seconds=40.0), jobs.work("other")])
        starts = jobs.starts()
        assert starts["base"][0] == starts["other"][0] == 0
        assert starts["app"] == (40, starts["base"][1])

    clock.run(run())


def test_what_needs_a_job_that_failed_fails_at_once_and_so_on() -> None:
    async def run() -> None:
        nodes = Nodes("pi4", slots=2)
        jobs = Jobs(nodes)
        works = [
            jobs.work("base", fails=True),
            jobs.work("app", "base"),
            jobs.work("web", "app"),
            jobs.work("other"),
        ]
        await _dispatched(nodes, works)
        _, app, web, other = (work.outcome.result() for work in works)
        assert isinstance(app, Failed)
        assert isinstance(web, Failed)
        assert app.error is not None
        assert web.error is not None
        assert str(app.error) == "base, which it builds on, failed"
        assert str(web.error) == "app, which it builds on, failed"
        assert app.error.exit_code == web.error.exit_code == 6
        assert isinstance(other, Built)
        assert set(jobs.starts()) == {"base", "other"}

    clock.run(run())


def test_what_comes_after_what_it_needs_has_failed_fails_too() -> None:
    async def run() -> None:
        nodes = Nodes("pi4")
        jobs = Jobs(nodes)
        works = [jobs.work("base", fails=True), jobs.work("app", "base")]
        await _dispatched(nodes, works, late={"app": 500.0})
        assert isinstance(works[1].outcome.result(), Failed)

    clock.run(run())


def test_nothing_new_starts_on_a_drained_node_and_who_waits_says_so_once() -> None:
    async def run() -> None:
        nodes = Nodes("pi4")
        jobs = Jobs(nodes)
        nodes.drained = {"pi4": "its CPU is at 83 °C"}
        work = jobs.work("a")
        async with Dispatcher(["a"], nodes) as dispatcher:
            dispatcher.put("a", [work])
            dispatcher.advance()
            await asyncio.sleep(60)
            assert jobs.told == []
            nodes.change({})
            await work.outcome
        assert jobs.starts() == {"a": (60, "pi4")}
        assert [event.message for event in jobs.events if isinstance(event, Warned)] == [
            "linux/arm64 waits until a node can take it: pi4: its CPU is at 83 °C"
        ]

    clock.run(run())


def test_who_waits_for_a_drained_node_says_so_while_others_are_built() -> None:
    async def run() -> None:
        nodes = Nodes("pi4", "pi5")
        jobs = Jobs(nodes)
        nodes.drained = {"pi4": "its CPU is at 83 °C"}
        hot = jobs.work("hot")
        hot = replace(hot, job=replace(hot.job, nodes=("pi4",)))
        after = jobs.work("after", "hot")
        works = [hot, jobs.work("other"), replace(after, job=replace(after.job, nodes=("pi4",)))]
        asyncio.get_running_loop().call_later(250, nodes.change, {})
        await _dispatched(nodes, works)
        assert jobs.starts() == {"other": (0, "pi5"), "hot": (250, "pi4"), "after": (350, "pi4")}
        assert len([event for event in jobs.events if isinstance(event, Warned)]) == 1

    clock.run(run())


def test_a_node_that_loses_a_build_is_the_last_choice_until_it_has_rested() -> None:
    async def run() -> None:
        nodes = Nodes("pi4", "pi5")
        jobs = Jobs(nodes)

        async def lost_then_elsewhere(assignment: Assignment, whereabouts: Whereabouts) -> Outcome:
            assert assignment.node == "pi4"
            whereabouts.takes("pi4")
            await asyncio.sleep(5)
            whereabouts.loses("pi4")
            assert not whereabouts.leaves()
            whereabouts.takes("pi5")
            await asyncio.sleep(3)
            whereabouts.leaves()
            return built("pi5")

        first = jobs.work("a", priority=9, build=lost_then_elsewhere)
        works = [first, *(jobs.work(name, seconds=2.0) for name in ("b", "c", "d", "e", "f"))]
        await _dispatched(nodes, works)
        starts = jobs.starts()
        # pi4 has nothing to do from second 5 on, and is left alone for ten; then it takes its part again.
        assert not [name for name, (at, node) in starts.items() if node == "pi4" and 5 <= at < 15]

    clock.run(run())


def test_a_node_that_has_rested_is_used_without_anything_else_happening() -> None:
    async def run() -> None:
        nodes = Nodes("pi4", "pi5")
        jobs = Jobs(nodes)

        async def lost(assignment: Assignment, whereabouts: Whereabouts) -> Outcome:
            whereabouts.loses(assignment.node)
            whereabouts.leaves()
            whereabouts.takes(assignment.standbys[0])
            await asyncio.sleep(1000)
            return built(assignment.standbys[0])

        await _dispatched(nodes, [jobs.work("a", priority=9, build=lost), jobs.work("b"), jobs.work("c")])
        assert jobs.starts() == {"b": (0, "pi5"), "c": (10, "pi4")}

    clock.run(run())


def test_a_job_that_is_between_two_nodes_or_looked_at_holds_none_but_is_waited_for() -> None:
    async def run() -> None:
        nodes = Nodes("pi4")
        jobs = Jobs(nodes)

        async def looked_at(assignment: Assignment, whereabouts: Whereabouts) -> Outcome:
            whereabouts.takes(assignment.node)
            await asyncio.sleep(10)
            assert whereabouts.leaves()
            assert not whereabouts.leaves()
            await asyncio.sleep(30)
            return built(assignment.node)

        works = [jobs.work("base", build=looked_at, priority=9), jobs.work("app", "base"), jobs.work("next")]
        await _dispatched(nodes, works)
        assert jobs.starts() == {"next": (10, "pi4"), "app": (110, "pi4")}

    clock.run(run())


def test_standbys_are_the_runners_up_and_then_those_that_may_come_back() -> None:
    async def run() -> None:
        nodes = Nodes("pi3", "pi4", "pi5", seconds={"pi3": 300, "pi4": 200, "pi5": 100})
        jobs = Jobs(nodes)
        await _dispatched(nodes, [jobs.work("a", seconds=1.0)])
        (planned,) = (event for event in jobs.events if isinstance(event, Planned))
        assert (planned.node, planned.standbys) == ("pi5", ("pi4", "pi3", "asleep"))

    clock.run(run())


def test_a_straggler_is_duplicated_where_asked_for_and_the_first_to_end_wins() -> None:
    async def run(*, duplicates: bool) -> Jobs:
        nodes = Nodes("pi4", "pi5", seconds={"pi4": 90})
        jobs = Jobs(nodes)
        work = jobs.work("a", seconds={"pi4": 5000, "pi5": 100})
        dispatcher = await _dispatched(nodes, [work], duplicates=duplicates)
        result = work.outcome.result()
        assert isinstance(result, Built)
        (course,) = dispatcher.courses()
        assert course.actual is not None
        assert course.actual.node == result.node
        return jobs

    alone = clock.run(run(duplicates=False))
    assert alone.told == [(0, "a", "on", "pi4"), (5000, "a", "ended", "pi4")]
    helped = clock.run(run(duplicates=True))
    (_, began, (ended, *_), cancelled) = helped.told
    assert began[1:] == ("a", "on", "pi5")
    assert 150 <= began[0] < 160
    assert cancelled == (ended, "a", "cancelled", "pi4")
    assert [type(event) for event in helped.events] == [Planned, Duplicated]


def test_nobody_waits_for_ever_for_a_faster_node_whose_job_does_not_end() -> None:
    async def run() -> None:
        nodes = Nodes("pi4", "pi5", seconds={"pi4": 20, "pi5": 100})
        jobs = Jobs(nodes)
        await _dispatched(nodes, [jobs.work("a", seconds=5000.0), jobs.work("b")])
        began, node = jobs.starts()["b"]
        assert node == "pi5"
        # Ended when it should, the other would have begun on the faster node at 20; at 100 that is as late again.
        assert 100 <= began <= 110

    clock.run(run())


def test_an_error_of_the_program_reaches_who_waits() -> None:
    async def run() -> None:
        nodes = Nodes("pi4")
        jobs = Jobs(nodes)

        async def breaks(_assignment: Assignment, _whereabouts: Whereabouts) -> Outcome:
            raise ZeroDivisionError

        work = jobs.work("a", build=breaks)
        await _dispatched(nodes, [work])
        assert isinstance(work.outcome.exception(), ZeroDivisionError)

    clock.run(run())


def test_leaving_ends_what_is_done() -> None:
    async def run() -> None:
        nodes = Nodes("pi4")
        jobs = Jobs(nodes)
        works = [jobs.work("a"), jobs.work("b")]
        async with Dispatcher(["a", "b"], nodes, duplicates=True) as dispatcher:
            for work in works:
                dispatcher.put(work.job.key.target, [work])
            await asyncio.sleep(10)
        assert jobs.told == [(0, "a", "on", "pi4"), (10, "a", "cancelled", "pi4")]
        assert works[0].outcome.cancelled()

    clock.run(run())
