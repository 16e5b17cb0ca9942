"""Asks something of a node's build cache, for as long as the node is there, and again while its disk is too full."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from farm.build.failures import Diagnosis, Kind
from farm.build.prune import Cache
from farm.retry import back_off, retrying
from farm.workflow.connections import Connections
from farm.workflow.watch import GivenUpError, watched

T = TypeVar("T")

# Removing some ten thousand small files from an SD card takes minutes.
_LONGEST = 10 * 60.0


async def tended(
    ask: Callable[[Cache], Awaitable[T | Diagnosis]], find: Callable[[], Awaitable[Cache]], connections: Connections
) -> T:
    """The answer of the cache that `find` opens, anew for each try.

    Raises GivenUpError where there is none, and what finding it raises.
    """

    async def once() -> T:
        cache = await find()

        async def answer() -> T | Diagnosis:
            return await ask(cache)

        result = await watched(
            answer(),
            lost=connections.until_lost(cache.endpoint.node),
            activity=cache.activity,
            silence=_LONGEST,
            longest=_LONGEST,
        )
        if isinstance(result, Diagnosis):
            raise GivenUpError(result)
        return result

    return await retrying(once, pause_after=_while_full)


def _while_full(error: Exception, tries: int) -> float | None:
    """BuildKit cannot even note what it deletes on a disk without a byte left; what the failed step wrote goes soon."""
    is_full = isinstance(error, GivenUpError) and error.diagnosis.kind is Kind.OUT_OF_DISK
    return back_off(tries, first=1.0) if is_full and tries < 3 else None
