"""What all targets of a run share, opened once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from farm.build.locate import Buildx
from farm.inventory import Inventory, Node
from farm.registry import memory
from farm.registry.client import Client
from farm.registry.verify import Checked
from farm.report.events import Emit
from farm.workflow import limits
from farm.workflow.contexts import Contexts
from farm.workflow.crew import Crew
from farm.workflow.journal import Chronicle
from farm.workflow.own_buildx import own_buildx
from farm.workflow.request import Request
from farm.workflow.run import Run, state_home

_READY_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """The tools of a run.

    `known` are checks of earlier runs by digest; `turns` are those to get ready, for a coordinator may be a board
    itself; `tells_limits` is off for a buildx that cannot tell steps their limits.
    """

    request: Request
    inventory: Inventory
    run: Run
    buildx: Buildx
    client: Client
    crew: Crew
    chronicle: Chronicle
    contexts: Contexts
    turns: asyncio.Semaphore
    tells_limits: bool
    known: Mapping[str, Checked]
    emit: Emit

    def remember(self, checked: list[Checked]) -> None:
        """Keep what was found right for later runs."""
        # Only saves time in the next run: a full disk here must not fail a build that went well.
        with contextlib.suppress(OSError):
            if fresh := [found for found in checked if found.digest not in self.known]:
                memory.store(_verified(), fresh)


@contextlib.asynccontextmanager
async def opened(
    request: Request, *, inventory: Inventory, nodes: Mapping[str, Node], run: Run, chronicle: Chronicle, emit: Emit
) -> AsyncIterator[Workshop]:
    """Open what can be before anything is contacted; the nodes are asked by whoever musters the crew first.

    Raises UsageError where there is no buildx, or a CA of the inventory cannot be used.
    """
    buildx = await asyncio.to_thread(own_buildx, inventory, run.buildx_config)
    async with (
        Client(inventory.registries, proxy=inventory.proxy) as client,
        Crew(nodes, run=run, emit=emit) as crew,
        Contexts(run.spool, proxy=inventory.proxy) as contexts,
    ):
        yield Workshop(
            request=request,
            inventory=inventory,
            run=run,
            buildx=buildx,
            client=client,
            crew=crew,
            chronicle=chronicle,
            contexts=contexts,
            turns=asyncio.Semaphore(_READY_AT_ONCE),
            tells_limits=await limits.are_told(nodes.values(), buildx, run.buildx_config, emit),
            known=memory.load(_verified()),
            emit=emit,
        )


def _verified() -> Path:
    return state_home() / "verified.json"
