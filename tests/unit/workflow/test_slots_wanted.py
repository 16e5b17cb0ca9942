from __future__ import annotations

import asyncio

from farm.workflow.slots import Slots


async def test_slots_are_wanted_only_while_somebody_waits() -> None:
    slots = Slots(1)
    seen: list[bool] = []
    first_has_it = asyncio.Event()

    async def first() -> None:
        async with slots.taken():
            first_has_it.set()
            await asyncio.sleep(0)
            seen.append(slots.are_wanted)

    async def second() -> None:
        await first_has_it.wait()
        async with slots.taken():
            seen.append(slots.are_wanted)

    await asyncio.gather(first(), second())
    assert seen == [True, False]


async def test_who_gives_up_waiting_wants_nothing_any_more() -> None:
    slots = Slots(1)

    async def take() -> None:
        async with slots.taken():
            raise AssertionError("there was no slot")

    async with slots.taken():
        waiting = asyncio.create_task(take())
        await asyncio.sleep(0)
        assert slots.are_wanted
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert not slots.are_wanted
