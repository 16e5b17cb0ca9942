"""Every chosen node's BuildKit as a local socket: opened once when first needed, opened anew after a loss."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from pathlib import Path

from farm.errors import NoNativeNodeError
from farm.inventory import Node
from farm.nodes import lease as leases
from farm.nodes.engine import liveness
from farm.nodes.engine.endpoint import Endpoint, open_endpoint
from farm.nodes.lease import Lease
from farm.nodes.reach import Reached, reach
from farm.platforms import Platform
from farm.report.events import Emit, Event, Warned

# Two misses in a row, so that a board that swaps for a moment is not given up. A hung BuildKit and a dead link are
# known and acted upon within 15 s: 2 x (2 s + 3.5 s) at most, and then up to 3 s for the watch's last words, for buildx
# to end and for the slot to be given back.
CHECK_EVERY = 2.0
CHECK_TIMEOUT = 3.5


def _nobody(_event: Event) -> None:
    pass


class Connections:
    """The endpoints of one run.

    `directory` is where their sockets are made, `reach` finds a node that was lost, `emit` hears what is done to a
    node's engine before it can be used.
    """

    def __init__(
        self,
        nodes: Mapping[str, Node],
        reached: dict[str, Reached],
        directory: Path,
        reach: Callable[[Node], Awaitable[Reached]] = reach,
        emit: Emit = _nobody,
    ) -> None:
        self._nodes = nodes
        self._reach = reach
        self._emit = emit
        self._reached = reached
        self._directory = directory
        self._endpoints: dict[str, Endpoint] = {}
        self._leases: dict[str, list[Lease]] = {name: [] for name in nodes}
        self._told: set[str] = set()
        self._locks = {name: asyncio.Lock() for name in nodes}

    async def endpoint(self, name: str, platform: Platform | None = None) -> Endpoint:
        """The node's endpoint. Raises FarmError where the node or its engine cannot be used.

        A node that is reached only now, or anew, must say that it builds the `platform` as the others did before.
        """
        async with self._locks[name]:
            if self._is_lost(name):
                await self._drop(name)
                self._reached[name] = await self._reach(self._nodes[name])
                facts = self._reached[name].facts
                if platform is not None and platform not in (*facts.native, *facts.emulated):
                    raise NoNativeNodeError(f"{name}: does not build {platform} natively")
            await self._drop_dead_container(name)
            if name not in self._endpoints:
                found = self._reached[name]
                self._endpoints[name] = await open_endpoint(
                    found.node, found.facts, found.session, self._directory, emit=self._emit
                )
            return self._endpoints[name]

    @contextlib.asynccontextmanager
    async def leased(
        self, name: str, *, holder: str, wait: float | None, is_wanted: Callable[[], bool], emit: Emit
    ) -> AsyncIterator[None]:
        """Hold one of the node's slots, on the node itself, for as long as the block runs.

        Where it `is_wanted` then by another platform of this run, that one gets it as it is: a lease costs a board
        several processes. Raises BusyError where other coordinators have all slots.
        """
        kept = self._leases[name]
        lease = kept.pop() if kept else await self._lease(name, holder, wait, emit)
        try:
            yield
        finally:
            if is_wanted() and not self._is_lost(name):
                kept.append(lease)
            else:
                await lease.close()

    async def _lease(self, name: str, holder: str, wait: float | None, emit: Emit) -> Lease:
        found = self._reached[name]
        lease = await leases.lease(found.session, found.node, holder=holder, wait=wait, emit=emit)
        if lease.problem and name not in self._told:
            self._told.add(name)
            emit(Warned(message=lease.problem))
        return lease

    async def until_lost(self, name: str) -> str:
        """Return, with the reason in words, once the node's link has died or its BuildKit no longer answers."""
        found = self._reached.get(name)
        if found is None:
            return "the SSH connection died"
        session = found.session
        missed = 0
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHECK_EVERY):
                    if session is None:
                        await asyncio.sleep(CHECK_EVERY)
                    else:
                        await session.lost.wait()
                        return "the SSH connection died"
            endpoint = self._endpoints.get(name)
            if endpoint is None or await liveness.alive(endpoint.socket, CHECK_TIMEOUT):
                missed = 0
            else:
                missed += 1
            if missed == 2:
                return "its BuildKit no longer answers"

    async def until_any_lost(self, names: Collection[str]) -> str:
        """The same for the first of several nodes, with its name in front; of none it waits for ever."""
        first: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        async def watch(name: str) -> None:
            reason = await self.until_lost(name)
            if not first.done():
                first.set_result(f"{name}: {reason}")

        watching = [asyncio.create_task(watch(name)) for name in dict.fromkeys(names)]
        try:
            return await first
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)

    async def is_alive(self, name: str) -> bool:
        """Whether the node could go on right now."""
        endpoint = self._endpoints.get(name)
        if endpoint is None or self._is_lost(name):
            return False
        return await liveness.alive(endpoint.socket, CHECK_TIMEOUT)

    async def close(self) -> None:
        """Give the slots back and take the sockets away; the sessions belong to the survey."""
        for name in self._nodes:
            await self._let_go(name)

    def _is_lost(self, name: str) -> bool:
        found = self._reached.get(name)
        return found is None or (found.session is not None and found.session.lost.is_set())

    async def _let_go(self, name: str) -> None:
        while self._leases[name]:
            await self._leases[name].pop().close()
        if endpoint := self._endpoints.pop(name, None):
            await endpoint.close()

    async def _drop_dead_container(self, name: str) -> None:
        """A container that is gone can be made anew; what others have set up can only be waited for."""
        endpoint = self._endpoints.get(name)
        if endpoint and endpoint.engine == "container" and not await liveness.alive(endpoint.socket, CHECK_TIMEOUT):
            await self._endpoints.pop(name).close()

    async def _drop(self, name: str) -> None:
        await self._let_go(name)
        found = self._reached.pop(name, None)
        if found is not None:
            await found.close()
