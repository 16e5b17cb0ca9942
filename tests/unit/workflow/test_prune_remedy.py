from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from farm.build import prune as pruning
from farm.build.failures import Diagnosis, Kind
from farm.build.prune import Cache, Pruned
from farm.errors import UnreachableError
from farm.platforms import parse
from farm.report.events import Warned
from farm.workflow import remedy
from farm.workflow.bench import Bench
from tests.unit.workflow import clock

ARM64 = parse("linux/arm64")
FULL = Diagnosis(kind=Kind.OUT_OF_DISK, reason="no space left on device")
ENDLESS = Pruned(freed="a bit more")
ODD = Diagnosis(kind=Kind.REFUSED, reason="permission denied")


class Node:
    """A node whose prunes end, one after the other, as `ends` says; a number is how long one takes."""

    def __init__(self, *ends: Pruned | Diagnosis | Exception | float) -> None:
        self._ends = list(ends)
        self.asked = 0
        self.events: list[object] = []
        self.bench = cast(
            Bench,
            SimpleNamespace(
                buildx=None,
                place=SimpleNamespace(config=Path("config")),
                logs=Path("logs"),
                emit=self.events.append,
                obstacles=[],
                connections=SimpleNamespace(endpoint=self._endpoint, until_lost=self._until_lost),
            ),
        )

    async def _endpoint(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(node=name)

    async def _until_lost(self, name: str) -> str:
        await asyncio.Event().wait()
        return name

    async def prune(self, cache: Cache) -> Pruned | Diagnosis:
        assert cache.log == Path("logs/pi4-prune.log")
        cache.activity.last_output = clock.now()
        self.asked += 1
        end = self._ends.pop(0)
        if isinstance(end, Exception):
            raise end
        if isinstance(end, float):
            await asyncio.sleep(end)
            return Pruned(freed="1GB")
        while end is ENDLESS:
            await asyncio.sleep(60)
            cache.activity.last_output = clock.now()
        return end


def pruned(node: Node, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(pruning, "prune", node.prune)
    words = clock.run(remedy.prune("pi4", [ARM64], node.bench))
    assert node.events == [Warned(message=f"pi4: {words}")]
    assert node.bench.obstacles == ["the build cache of pi4 was pruned"]
    return words


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (Pruned(freed="1.2GB"), "its build cache was pruned, 1.2GB freed"),
        (Pruned(freed=None), "its build cache held nothing to prune"),
        (ODD, "its build cache could not be pruned: permission denied"),
        (UnreachableError("pi4: it is away"), "its build cache could not be pruned: pi4: it is away"),
        (599.0, "its build cache was pruned, 1GB freed"),
        (700.0, "its build cache could not be pruned: nothing was heard of the build for 10 min 00 s"),
        (ENDLESS, "its build cache could not be pruned: the build took longer than 10 min 00 s"),
    ],
)
def test_what_came_of_it_is_said_and_the_join_knows(
    end: Pruned | Diagnosis | Exception | float, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = Node(end)
    assert pruned(node, monkeypatch) == words
    assert node.asked == 1


def test_a_disk_too_full_to_note_what_is_deleted_is_given_two_more_chances(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pruned(Node(FULL, FULL, Pruned(freed="5GB")), monkeypatch) == "its build cache was pruned, 5GB freed"

    stays_full = Node(FULL, FULL, FULL, Pruned(freed="5GB"))
    assert pruned(stays_full, monkeypatch) == "its build cache could not be pruned: no space left on device"
    assert stays_full.asked == 3
