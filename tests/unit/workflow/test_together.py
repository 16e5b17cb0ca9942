from __future__ import annotations

import asyncio

import pytest

from farm.errors import FarmError, UsageError
from farm.workflow.together import both, together
from tests.unit.workflow import clock


async def after(seconds: float, result: object) -> object:
    await asyncio.sleep(seconds)
    if isinstance(result, BaseException):
        raise result
    return result


def test_all_run_at_the_same_time_and_results_keep_their_order() -> None:
    async def work() -> None:
        assert await together(after(seconds, seconds) for seconds in (3, 1, 2)) == [3, 1, 2]
        assert clock.now() == 3
        assert await together([]) == []

    clock.run(work())


def test_both_run_at_the_same_time_and_keep_their_places() -> None:
    async def work() -> None:
        assert await both(after(5, "first"), after(1, 2)) == ("first", 2)
        assert clock.now() == 5

    clock.run(work())


def test_the_first_error_ends_the_others_and_is_raised_as_it_came() -> None:
    error = UsageError("wrong")

    async def work() -> None:
        with pytest.raises(UsageError) as caught:
            await together([after(100, "late"), after(1, error)])
        assert caught.value is error
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__, "the group would be told as well"
        assert clock.now() == 1
        assert asyncio.all_tasks() == {asyncio.current_task()}

    clock.run(work())


@pytest.mark.parametrize(
    ("errors", "raised"),
    [
        ((FarmError("one"), FarmError("two")), 0),
        ((FarmError("one"), ValueError("a mistake in farm")), 1),
        ((ValueError("a mistake"), KeyError("another"), FarmError("one")), 0),
        ((ExceptionGroup("inner", [ExceptionGroup("innermost", [FarmError("one")])]),), None),
    ],
)
def test_of_several_errors_one_is_raised(errors: tuple[Exception, ...], raised: int | None) -> None:
    """A mistake of farm's own is not hidden by an error that it understands."""

    async def work() -> None:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - which one it is, is asked below
            await together(after(1, error) for error in errors)
        if raised is None:
            assert isinstance(caught.value, FarmError)
        else:
            assert caught.value is errors[raised]

    clock.run(work())


def test_who_is_cancelled_ends_them_all() -> None:
    async def work() -> None:
        whole = asyncio.create_task(together([after(100, 1), after(200, 2)]))
        await asyncio.sleep(1)
        whole.cancel()
        with pytest.raises(asyncio.CancelledError):
            await whole
        assert clock.now() == 1
        assert asyncio.all_tasks() == {asyncio.current_task()}

    clock.run(work())
