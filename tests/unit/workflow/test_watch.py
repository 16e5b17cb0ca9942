from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from farm.build.failures import Diagnosis, Kind
from farm.build.run import Activity
from farm.workflow.watch import LAST_WORDS, SHORTEST_LIMIT, GivenUpError, limit, watched
from tests.unit.workflow import clock

LOST = Diagnosis(kind=Kind.NODE_LOST, reason="its link broke")


class Build:
    """A build that says something at the given seconds and ends at `end`; `cancelled_at` tells when it was stopped."""

    def __init__(self, *, end: float, says: tuple[float, ...] = ()) -> None:
        self.activity = Activity(last_output=0.0)
        self.cancelled_at: float | None = None
        self._end = end
        self._says = says

    async def run(self) -> str:
        try:
            for moment in self._says:
                await asyncio.sleep(moment - clock.now())
                self.activity.last_output = clock.now()
            await asyncio.sleep(self._end - clock.now())
        except asyncio.CancelledError:
            self.cancelled_at = clock.now()
            raise
        return "built"


async def never() -> str:
    await asyncio.Event().wait()
    raise AssertionError


async def lost_at(moment: float, reason: str = "its link broke") -> str:
    await asyncio.sleep(moment)
    return reason


async def watch(
    build: Build, *, lost: Coroutine[Any, Any, str] | None = None, silence: float = 900, longest: float | None = None
) -> tuple[str | GivenUpError, float]:
    """What came of it, and when."""
    outcome: str | GivenUpError
    try:
        outcome = await watched(
            build.run(), lost=lost or never(), activity=build.activity, silence=silence, longest=longest
        )
    except GivenUpError as error:
        outcome = error
    assert asyncio.all_tasks() == {asyncio.current_task()}
    return outcome, clock.now()


def given_up(outcome: str | GivenUpError) -> Diagnosis:
    assert isinstance(outcome, GivenUpError)
    assert str(outcome) == outcome.diagnosis.reason
    return outcome.diagnosis


def test_a_build_that_goes_on_talking_is_left_alone() -> None:
    build = Build(end=3000, says=(800, 1600, 2400))
    assert clock.run(watch(build)) == ("built", 3000)
    assert build.cancelled_at is None


def test_a_silent_build_is_given_up_at_the_limit_after_its_last_word() -> None:
    build = Build(end=10_000, says=(100, 500))
    outcome, when = clock.run(watch(build, silence=900))
    assert given_up(outcome) == Diagnosis(
        kind=Kind.SILENT,
        reason="nothing was heard of the build for 15 min 00 s",
        fix="raise --silence if a step of it is that quiet",
    )
    assert build.cancelled_at == when == 500 + 900 + LAST_WORDS


def test_a_word_at_the_last_moment_counts() -> None:
    assert clock.run(watch(Build(end=1700, says=(899,)), silence=900)) == ("built", 1700)


def test_a_build_that_prints_for_ever_is_given_up_at_the_hard_limit() -> None:
    build = Build(end=10_000, says=tuple(range(60, 10_000, 60)))
    outcome, when = clock.run(watch(build, longest=1800))
    assert given_up(outcome) == Diagnosis(
        kind=Kind.SILENT,
        reason="the build took longer than 30 min 00 s",
        fix="raise --timeout, or `timeout` of the image, if it may take so long",
    )
    assert build.cancelled_at == when == 1800 + LAST_WORDS


def test_without_a_hard_limit_it_may_take_days() -> None:
    assert clock.run(watch(Build(end=300_000), silence=1e6))[0] == "built"


def test_a_build_on_a_lost_node_is_given_up_with_the_reason_of_the_loss() -> None:
    build = Build(end=10_000)
    outcome, when = clock.run(watch(build, lost=lost_at(42)))
    assert given_up(outcome) == LOST
    assert build.cancelled_at == when == 42 + LAST_WORDS


def test_what_buildx_says_soon_after_the_loss_is_the_answer() -> None:
    assert clock.run(watch(Build(end=42 + LAST_WORDS / 2), lost=lost_at(42))) == ("built", 42 + LAST_WORDS / 2)


@pytest.mark.parametrize("silence", [42, 42 + LAST_WORDS / 2])
def test_a_loss_explains_the_silence_that_comes_with_it(silence: float) -> None:
    """Also where the silence limit passes while buildx has its last words."""
    outcome, _ = clock.run(watch(Build(end=10_000), lost=lost_at(42), silence=silence, longest=silence))
    assert given_up(outcome) == LOST


def test_silence_that_was_there_first_is_the_reason() -> None:
    outcome, _ = clock.run(watch(Build(end=10_000), lost=lost_at(42), silence=42 - LAST_WORDS / 2))
    assert given_up(outcome).kind is Kind.SILENT


def test_silence_explains_better_than_a_limit_passed_at_the_same_time() -> None:
    outcome, _ = clock.run(watch(Build(end=10_000), silence=900, longest=900))
    assert given_up(outcome).reason.startswith("nothing was heard")


def test_an_error_of_the_build_is_raised_as_it_came() -> None:
    async def breaks() -> str:
        await asyncio.sleep(5)
        raise ValueError("broken")

    async def work() -> float:
        with pytest.raises(ValueError, match="broken"):
            await watched(breaks(), lost=never(), activity=Activity(last_output=0.0), silence=900, longest=None)
        return clock.now()

    assert clock.run(work()) == 5


def test_who_cancels_the_watch_cancels_the_build_and_waits_for_its_end() -> None:
    ended: list[float] = []

    async def cleans_up() -> str:
        try:
            return await never()
        finally:
            await asyncio.sleep(2)
            ended.append(clock.now())

    async def work() -> None:
        watching = asyncio.create_task(
            watched(cleans_up(), lost=never(), activity=Activity(last_output=0.0), silence=900, longest=1800)
        )
        await asyncio.sleep(10)
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching
        assert ended == [12]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    clock.run(work())


@pytest.mark.parametrize(
    ("asked", "usual", "expected"),
    [
        (None, None, None),
        (0.0, 4000.0, 0.0),
        (5.0, None, 5.0),
        (5.0, 4000.0, 5.0),
        (None, 4000.0, 12_000.0),
        (None, 3.0, SHORTEST_LIMIT),
    ],
)
def test_the_hard_limit(asked: float | None, usual: float | None, expected: float | None) -> None:
    assert limit(asked, usual) == expected
