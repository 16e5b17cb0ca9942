"""Nodes as they are looked at during a run: over real connections, with what a board would say of itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from farm.errors import UnreachableError
from farm.history.history import History
from farm.history.learned import Learned, Mark
from farm.inventory import Limits, Node
from farm.nodes.facts import Facts, Unreachable
from farm.nodes.reach import Reached, reach
from farm.nodes.ssh.connect import connect
from farm.report.events import Event, NodeDrained
from farm.workflow import conditions
from farm.workflow.conditions import Conditions
from farm.workflow.marks import marked
from tests.edge.nodes.conftest import StartSshd
from tests.edge.nodes.openssh import Sshd
from tests.edge.nodes.waiting import eventually
from tests.unit.facts_of import facts

EVERY = 0.05
HOT = "its CPU is at 85 °C; it is used again below 70 °C"


class Board:
    """A node that says what a file holds, and a log of who has asked."""

    def __init__(self, directory: Path, start: StartSshd) -> None:
        self._says, self._asked = directory / "says", directory / "asked"
        self.says()
        self._asked.touch()
        self.sshd = start(ForceCommand=f"echo asked >>{self._asked}; cat {self._says}; exec cat >/dev/null")

    def says(self, *, heat: float = 50, available: int = 3_000_000) -> None:
        """What it says from now on: degrees, and kilobytes of memory."""
        text = f"memory=MemTotal: 4000000 kB\nmemory=MemAvailable: {available} kB\nheat={heat * 1000:.0f} cpu-thermal"
        fresh = self._says.with_suffix(".new")
        fresh.write_text(f"farm-probe begin\n{text}\nfarm-probe end\n")
        fresh.replace(self._says)

    @property
    def looks(self) -> int:
        return len(self._asked.read_text().split())

    async def seen(self) -> None:
        """Wait until what it says now has been heard twice: before builds begin, and during them."""
        before = self.looks
        # The next but two is asked when the next two have been judged.
        await eventually(lambda: self.looks >= before + 3)


@pytest.fixture
def board(tmp_path: Path, start_sshd: StartSshd) -> Board:
    return Board(tmp_path, start_sshd)


@contextlib.asynccontextmanager
async def watched(
    sshd: Sshd, emit: Callable[[Event], None], *, heat: float | None = None, limit: int | None = None
) -> AsyncIterator[tuple[Conditions, Reached]]:
    session = await connect(sshd.node())
    try:
        found = Reached(
            node=sshd.node(), session=session, facts=facts(temperature=heat, memory_available=3_000_000 * 1024)
        )
        reached = {"pi4": found}
        known = {"pi4": sshd.node(limits=Limits(memory=limit)), "away": sshd.node(name="away")}
        async with conditions.watched(known, reached.get, emit, every=EVERY) as nodes:
            yield nodes, found
    finally:
        await session.close()


async def test_a_node_that_gets_hot_is_drained_until_it_has_cooled(board: Board) -> None:
    events: list[Event] = []
    async with watched(board.sshd, events.append) as (nodes, _):
        with nodes.working("pi4"):
            await board.seen()
            assert nodes.drained("pi4") is None
            board.says(heat=85)
            async with asyncio.timeout(10):
                await nodes.until_change()
            assert nodes.drained("pi4") == HOT
            board.says(heat=75)
            await board.seen()
        # Nothing of ours is there any more, and yet it is looked at: it is to be used again.
        assert nodes.drained("pi4") is not None
        changing = asyncio.create_task(nodes.until_change())
        board.says(heat=60)
        async with asyncio.timeout(10):
            await changing
        assert nodes.drained("pi4") is None
    assert events == [NodeDrained(node="pi4", reason=HOT), NodeDrained(node="pi4", reason=None)]


async def test_a_node_that_is_hot_from_the_start(board: Board) -> None:
    events: list[Event] = []
    async with watched(board.sshd, events.append, heat=85.0) as (nodes, _):
        assert nodes.drained("pi4") == HOT
        await eventually(lambda: nodes.drained("pi4") is None)
    assert len(events) == 2


async def test_a_node_without_work_is_left_in_peace(board: Board) -> None:
    async with watched(board.sshd, print) as (nodes, _):
        with nodes.working("pi4"):
            await board.seen()
        await asyncio.sleep(3 * EVERY)
        before = board.looks
        await asyncio.sleep(5 * EVERY)
        assert board.looks == before
        assert nodes.drained("away") is None


async def test_a_run_that_is_soon_over_asks_nothing(board: Board) -> None:
    """The probe has just said what there is."""
    session = await connect(board.sshd.node())
    found = Reached(node=board.sshd.node(), session=session, facts=facts(memory_available=10**9))
    async with conditions.watched({"pi4": found.node}, {"pi4": found}.get, print) as nodes:
        with nodes.working("pi4") as work:
            await asyncio.sleep(5 * EVERY)
        assert work.had == 10**9
        assert work.peak() is None
    assert board.looks == 0
    await session.close()


async def test_the_next_look_waits_for_the_one_before(tmp_path: Path, start_sshd: StartSshd) -> None:
    """A board that is too busy to answer must not be asked more and more."""
    asked = tmp_path / "asked"
    async with watched(start_sshd(ForceCommand=f"echo asked >>{asked}; exec sleep 1"), print) as (nodes, _):
        with nodes.working("pi4"):
            await asyncio.sleep(10 * EVERY)
            assert len(asked.read_text().split()) == 1


async def test_a_build_s_memory_is_what_the_node_has_less_while_it_is_alone(board: Board) -> None:
    async with watched(board.sshd, print) as (nodes, _):
        with nodes.working("pi4") as first:
            await board.seen()
            assert first.had == 3_000_000 * 1024
            board.says(available=2_000_000)
            await board.seen()
            board.says(available=2_500_000)
            await board.seen()
            with nodes.working("pi4") as second:
                board.says(available=500_000)
                await board.seen()
        assert first.peak() == 1_000_000 * 1024
        assert second.peak() is None
        assert second.peak(out_of_memory=True) == second.had == 2_500_000 * 1024
        with nodes.working("pi4") as third:
            board.says(available=600_000)
            await board.seen()
        assert third.peak() == 0


async def test_a_build_that_ran_out_of_memory_takes_at_least_what_there_was(board: Board) -> None:
    async with watched(board.sshd, print) as (nodes, _):
        with nodes.working("pi4") as work:
            await board.seen()
            board.says(available=2_900_000)
            await board.seen()
        assert work.peak() == 100_000 * 1024
        assert work.peak(out_of_memory=True) == 3_000_000 * 1024


async def test_a_build_that_ran_out_of_memory_within_the_node_s_limit_takes_at_least_that(board: Board) -> None:
    async with watched(board.sshd, print, limit=10**9) as (nodes, _):
        with nodes.working("pi4") as work:
            await board.seen()
        assert work.peak() == 0
        assert work.peak(out_of_memory=True) == 10**9


async def test_what_a_node_has_for_builds_is_learned_anew_each_time_before_they_begin(board: Board) -> None:
    """Something else may have come to live on it since it was probed; our own builds do not count."""
    away = Unreachable(node="away", error=UnreachableError("no answer"))
    answers: dict[str, Facts | Unreachable] = {"pi4": facts(memory_available=3_000_000 * 1024), "away": away}
    async with watched(board.sshd, print) as (nodes, _):
        assert nodes.as_of_now(answers) == answers
        for available in (2_000_000, 1_500_000):
            await asyncio.sleep(2 * EVERY)  # what is known is too old by then
            board.says(available=available)
            with nodes.working("pi4"):
                await board.seen()
                board.says(available=200_000)
                await board.seen()
            assert nodes.as_of_now(answers) == {"pi4": facts(memory_available=available * 1024), "away": away}


async def test_a_node_that_is_lost_is_nobody_s_business_here(board: Board) -> None:
    async with watched(board.sshd, print) as (nodes, found):
        with nodes.working("pi4") as work:
            await board.seen()
            board.sshd.kill_connections()
            assert found.session is not None
            await found.session.lost.wait()
            await asyncio.sleep(3 * EVERY)
            assert nodes.drained("pi4") is None
            assert work.peak() == 0


async def test_this_machine_is_looked_at_too() -> None:
    found = await reach(Node(name="local", engine="local"))
    async with conditions.watched({"local": found.node}, {"local": found}.get, print, every=EVERY) as nodes:
        with nodes.working("local") as work:
            await eventually(lambda: work.had is not None)


async def test_nodes_that_nothing_compares_do_the_benchmark_once(sshd: Sshd, tmp_path: Path) -> None:
    session = await connect(sshd.node())
    reached = {name: Reached(node=sshd.node(name=name), session=session, facts=facts(name)) for name in ("a", "b")}
    with History.open(tmp_path / "history.db") as history:
        found = await marked(Learned(), reached, lambda call: call(history))
        assert found.marks.keys() == {"a", "b"}
        assert {mark.cpu for mark in history.marks().values()} == {"4 x Raspberry Pi 4 Model B Rev 1.4"}
        await session.close()
        # Known now: nobody is asked again, the connection is not even there.
        assert await marked(history.learned([]), reached, lambda call: call(history)) == found
        history.mark("b", Mark(cpu="4 x Raspberry Pi 3", seconds=9.0))
        # It would be measured anew; a node that is lost keeps what it had.
        assert (await marked(Learned(), reached, lambda call: call(history))).marks["b"] == 9.0
