from __future__ import annotations

import asyncio

import pytest

from farm.workflow.slots import Slots


class Node:
    """Counts the builds on a node, and who was alone there."""

    def __init__(self, slots: int) -> None:
        self.slots = Slots(slots)
        self.now = 0
        self.most = 0
        self.beside_a_lonely_one = 0

    async def build(self, *, alone: bool) -> None:
        async with self.slots.taken(alone=alone):
            self.now += 1
            self.most = max(self.most, self.now)
            for _ in range(3):
                await asyncio.sleep(0)
                self.beside_a_lonely_one += alone and self.now > 1
            self.now -= 1


@pytest.mark.parametrize("slots", [1, 2, 5])
async def test_builds_share_a_node_and_a_lonely_one_does_not(slots: int) -> None:
    node = Node(slots)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        for number in range(40):
            group.create_task(node.build(alone=number % 10 == 0))
    assert node.most == slots
    assert node.beside_a_lonely_one == 0


async def test_whoever_is_cancelled_while_collecting_gives_back_what_it_had() -> None:
    slots = Slots(3)
    async with asyncio.timeout(10):
        async with slots.taken():
            collecting = asyncio.create_task(slots.taken(alone=True).__aenter__())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            collecting.cancel()
            await asyncio.gather(collecting, return_exceptions=True)
        async with slots.taken(alone=True):
            pass


async def test_a_build_that_fails_gives_its_slots_back() -> None:
    slots = Slots(2)
    async with asyncio.timeout(10):
        for alone in (True, False, True):
            with pytest.raises(ValueError, match="failed"):
                async with slots.taken(alone=alone):
                    raise ValueError("failed")
