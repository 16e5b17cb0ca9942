"""Independent things at once: the first error ends the others and is raised as it came, not in a group."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")
U = TypeVar("U")
V = TypeVar("V")


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run all at the same time and return their results in order.

    Where several fail, the first in order that farm understands is raised; programming errors come before those.
    """
    tasks: list[asyncio.Task[T]] = []
    try:
        async with asyncio.TaskGroup() as group:
            tasks.extend(group.create_task(coroutine) for coroutine in work)
    except BaseExceptionGroup as failures:
        raise _first(failures) from None
    return [task.result() for task in tasks]


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    from farm.errors import FarmError

    understood, others = failures.split(FarmError)
    leaf: BaseException = others or understood or failures
    while isinstance(leaf, BaseExceptionGroup):
        leaf = leaf.exceptions[0]
    return leaf


async def both(first: Coroutine[Any, Any, T], second: Coroutine[Any, Any, U]) -> tuple[T, U]:
    """The same for two different things."""
    one: list[T] = []
    two: list[U] = []

    async def keep(work: Coroutine[Any, Any, V], place: list[V]) -> None:
        place.append(await work)

    await together((keep(first, one), keep(second, two)))
    return one[0], two[0]
