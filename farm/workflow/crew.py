"""The nodes of one run: asked once who they are, woken as targets need them, connected when first used."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from farm.inventory import Node
from farm.plan import doubles
from farm.platforms import Platform
from farm.report.events import Emit, Warned
from farm.report.power import PowerUse
from farm.workflow.conditions import Conditions, watched
from farm.workflow.connections import Connections
from farm.workflow.power import Switches
from farm.workflow.run import Run
from farm.workflow.slots import Slots
from farm.workflow.survey import Survey, surveyed


class Crew:
    """Enter it, then `muster` before anything else; all that was opened is closed when it is left.

    `nodes` are those that the run may use, `survey` is what they answered so far.
    """

    nodes: Mapping[str, Node]
    survey: Survey
    switches: Switches
    connections: Connections
    slots: Mapping[str, Slots]
    conditions: Conditions

    def __init__(self, nodes: Mapping[str, Node], *, run: Run, emit: Emit) -> None:
        self.nodes = nodes
        self._run = run
        self._emit = emit
        self._power: Sequence[PowerUse] = ()
        self._opened = contextlib.AsyncExitStack()
        self._mustering: asyncio.Task[None] | None = None
        self._wanted: set[Platform] = set()
        self._waking = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._mustering is not None:
            self._mustering.cancel()
            await asyncio.gather(self._mustering, return_exceptions=True)
        await self._opened.__aexit__(kind, error, tb)

    @property
    def power(self) -> Sequence[PowerUse]:
        """What was done with the nodes' power."""
        return self._power

    async def muster(self) -> None:
        """Ask all nodes at the same time, the first time that anybody wants to know."""
        if self._mustering is None:
            self._mustering = asyncio.create_task(self._muster())
        # Whoever gives up must not end it for the others.
        await asyncio.shield(self._mustering)

    async def wake_for(self, wanted: Sequence[Platform]) -> None:
        """Wake what these platforms need, and what others wait for meanwhile; none means all that the farm builds."""
        self._wanted.update(wanted)
        async with self._waking:
            self.survey = await self.switches.wake_for(sorted(self._wanted) if wanted else (), self.survey)

    async def _muster(self) -> None:
        survey = await self._opened.enter_async_context(surveyed(self.nodes, self._emit))
        apart = doubles.singled(self.nodes, survey.answers)
        for warning in apart.warnings:
            self._emit(Warned(message=warning))
        self.nodes, self.survey = apart.nodes, survey.of(apart.nodes)
        self.switches = Switches(self.nodes, logs=self._run.logs, emit=self._emit)
        self._power = self.switches.uses
        self.switches.saw(self.survey.reached)
        await self._opened.enter_async_context(self.switches.put_back(self.survey.reached))
        self.connections = Connections(
            self.nodes, self.survey.reached, self._run.runtime, self.switches.reach, self._emit
        )
        self._opened.push_async_callback(self.connections.close)
        self.slots = {name: Slots(node.slots) for name, node in self.nodes.items()}
        self.conditions = await self._opened.enter_async_context(
            watched(self.nodes, self.survey.reached.get, self._emit)
        )
