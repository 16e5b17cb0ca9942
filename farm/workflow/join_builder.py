"""The builder of the join: made while the nodes still build, and made anew where others than the planned have won."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from farm.build import join
from farm.build.endpoint import Endpoint
from farm.build.join import Builder, NotJoined
from farm.build.locate import Buildx
from farm.platforms import Platform

Winners = Mapping[str, Sequence[Platform]]


class Placed(Protocol):
    """A platform and its node: planned or built."""

    @property
    def platform(self) -> Platform:
        """The platform."""

    @property
    def node(self) -> str:
        """The node's name."""


class Endpoints(Protocol):
    """A run's connections to its nodes."""

    async def endpoint(self, name: str) -> Endpoint:
        """The node's endpoint. Raises FarmError where it cannot be used."""


def winners(placed: Iterable[Placed]) -> Winners:
    """The platforms of each node, both in the order given."""
    found: dict[str, list[Platform]] = {}
    for each in placed:
        found.setdefault(each.node, []).append(each.platform)
    return found


class JoinBuilder:
    """Makes the builder in a `BUILDX_CONFIG` folder of its own.

    `buildx create` asks each node for its state and keeps the folder locked meanwhile, for up to 20 s where a node is
    silent, and no build in the same folder can begin before.
    """

    def __init__(self, buildx: Buildx, connections: Endpoints, *, config: Path, log: Path) -> None:
        self.config = config
        self._buildx = buildx
        self._connections = connections
        self._log = log
        self._wanted: Winners = {}
        self._making: asyncio.Task[Builder | NotJoined] | None = None

    def begin(self, wanted: Winners) -> None:
        """Start to make it for these nodes, and do not wait."""
        self._wanted = wanted
        self._making = asyncio.create_task(self._make(wanted))

    async def made_for(self, wanted: Winners) -> Builder | NotJoined:
        """The builder of these nodes, in their order. Raises FarmError where one cannot be reached."""
        if wanted != self._wanted or self._making is None or _is_spoilt(self._making):
            await self.close()
            self.begin(wanted)
        assert self._making is not None
        return await self._making

    async def close(self) -> None:
        """End what is still being made."""
        if self._making is not None:
            self._making.cancel()
            await asyncio.gather(self._making, return_exceptions=True)

    async def _make(self, wanted: Winners) -> Builder | NotJoined:
        return await join.make_builder(
            self._buildx,
            config=self.config,
            winners=[(await self._connections.endpoint(node), platforms) for node, platforms in wanted.items()],
            log=self._log,
        )


def _is_spoilt(making: asyncio.Task[Builder | NotJoined]) -> bool:
    """Whether it came to nothing: then the next who asks shall try again."""
    if not making.done():
        return False
    return making.cancelled() or making.exception() is not None or isinstance(making.result(), NotJoined)
