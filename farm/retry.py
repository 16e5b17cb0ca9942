"""Trying again: the one place where tenacity is used. What is worth another try is for the caller to say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

# Home registries and boards come back within seconds or not at all tonight, so pauses grow from half a second to 20 s.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 20.0
# A board that was lost may be starting again, which takes a Raspberry Pi most of a minute.
FIRST_PAUSE_LOST = 5.0


async def retrying(call: Callable[[], Awaitable[T]], *, pause_after: Callable[[Exception, int], float | None]) -> T:
    """Call until it returns, pausing between tries, and give back what it returned.

    `pause_after(error, tries)` looks at a failed try (tries count from 1) and answers the seconds to wait at least
    before the next, or None where another try makes no sense: then the error is raised as it came. Random jitter is
    added to every pause that is not zero, so that several nodes do not come back at the same instant.
    """
    import tenacity

    pause = 0.0

    def again(state: tenacity.RetryCallState) -> bool:
        nonlocal pause
        error = state.outcome.exception() if state.outcome else None
        if error is None or not isinstance(error, Exception):
            return False
        decided = pause_after(error, state.attempt_number)
        pause = decided or 0.0
        return decided is not None

    jitter: Callable[[tenacity.RetryCallState], float] = tenacity.wait_random(0, 0.25)

    def wait(state: tenacity.RetryCallState) -> float:
        return pause * (1.0 + jitter(state))

    async def one() -> T:
        # tenacity awaits what looks like a coroutine function, and a lambda that returns a coroutine does not.
        return await call()

    retry = tenacity.AsyncRetrying(retry=again, wait=wait, stop=tenacity.stop_never, reraise=True)
    return await retry(one)


def back_off(tries: int, *, first: float = FIRST_PAUSE, longest: float = LONGEST_PAUSE) -> float:
    """Seconds to wait after the given number of failed tries: doubling from `first`, bounded by `longest`."""
    return min(first * 2.0 ** (tries - 1), longest)
