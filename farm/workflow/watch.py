"""Ends a build that would never end by itself: its node is lost, it says nothing, or it takes far too long."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from farm.build.failures import Diagnosis, Kind
from farm.build.run import Activity
from farm.report import words

T = TypeVar("T")

# Seconds that buildx gets to end by itself once its node is known to be lost.
LAST_WORDS = 1.0
USUAL_FACTOR = 3.0
# Three times a few seconds is nothing: a build whose cache has gone takes minutes where it took seconds.
SHORTEST_LIMIT = 10 * 60.0


class GivenUpError(Exception):
    """The build was ended; the diagnosis says why."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        super().__init__(diagnosis.reason)
        self.diagnosis = diagnosis


def limit(asked: float | None, usual: float | None) -> float | None:
    """How many seconds a build may take: what was asked, else three times the usual, else any."""
    if asked is not None:
        return asked
    return None if usual is None else max(USUAL_FACTOR * usual, SHORTEST_LIMIT)


async def watched(
    build: Coroutine[Any, Any, T],
    *,
    lost: Coroutine[Any, Any, str],
    activity: Activity,
    silence: float,
    longest: float | None,
) -> T:
    """Build until it ends, until `lost` says why the node is, or until a limit (in seconds) is passed.

    Raises GivenUpError; the build is cancelled then.
    """
    work = asyncio.create_task(build)
    # In the order in which they are believed, should two of them speak at once.
    guards = [asyncio.create_task(_lost(lost)), asyncio.create_task(_silent(activity, silence))]
    if longest is not None:
        guards.append(asyncio.create_task(_too_long(longest)))
    try:
        done, _ = await asyncio.wait((work, *guards), return_when=asyncio.FIRST_COMPLETED)
        if work not in done:
            # With its socket gone buildx mostly notices by itself, and says more than a cancelled one can.
            await asyncio.wait((work,), timeout=LAST_WORDS)
        if not work.done():
            raise GivenUpError(next(guard for guard in guards if guard in done).result())
        return await work
    finally:
        for task in (work, *guards):
            task.cancel()
        await asyncio.gather(work, *guards, return_exceptions=True)


async def _lost(lost: Coroutine[Any, Any, str]) -> Diagnosis:
    return Diagnosis(kind=Kind.NODE_LOST, reason=await lost)


async def _silent(activity: Activity, silence: float) -> Diagnosis:
    # The event loop's clock is that of `Activity`.
    now = asyncio.get_running_loop().time
    while True:
        left = activity.last_output + silence - now()
        if left <= 0:
            return Diagnosis(
                kind=Kind.SILENT,
                reason=f"nothing was heard of the build for {words.seconds(silence)}",
                fix="raise --silence if a step of it is that quiet",
            )
        await asyncio.sleep(left)


async def _too_long(longest: float) -> Diagnosis:
    await asyncio.sleep(longest)
    return Diagnosis(
        kind=Kind.SILENT,
        reason=f"the build took longer than {words.seconds(longest)}",
        fix="raise --timeout, or `timeout` of the image, if it may take so long",
    )
