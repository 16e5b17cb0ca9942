"""What a night cleans up: the caches of its nodes, what no tag reaches in registries, the logs of old runs.

What cannot be cleaned up is a warning: it makes no night a bad one.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from farm.build import cache_bounds
from farm.build.cache_bounds import Bounds
from farm.errors import FarmError
from farm.history.history import History
from farm.inventory import Housekeeping, Inventory, Node
from farm.nightly.decided import Tools
from farm.nightly.ledger import COORDINATOR
from farm.registry.client import Client
from farm.report import words
from farm.report.events import Event, Tidied, Warned
from farm.workflow.connections import Connections
from farm.workflow.own_buildx import own_buildx
from farm.workflow.prune_nodes import Means, NodePruned, bounds, prune_nodes
from farm.workflow.prune_registry import prune_registry
from farm.workflow.prune_runs import prune_runs
from farm.workflow.survey import surveyed

LEAST = 1_000_000_000
"""Bytes that should be free where the coordinator keeps its state: a checkout and some logs need as much."""


def of_coordinator(state: Path) -> dict[str, str]:
    """The coordinator, if its own disk is nearly full, with what is left."""
    with contextlib.suppress(OSError):
        free = shutil.disk_usage(state).free
        if free < LEAST:
            return {COORDINATOR: f"{words.size(free)} left"}
    return {}


async def make_room(said: Housekeeping, nodes: Mapping[str, Node], *, inventory: Inventory, tools: Tools) -> None:
    """Before the builds: cut the caches of those nodes whose disks are short of what is wanted."""
    wanted = bounds(said)
    if wanted.free is None and wanted.inodes is None:
        return
    with _warned(tools):
        for done in await _caches(wanted, nodes, inventory=inventory, tools=tools, only_if_short=True):
            _tell(done, tools)


async def tidy(said: Housekeeping, nodes: Mapping[str, Node], *, inventory: Inventory, tools: Tools) -> dict[str, str]:
    """After the builds: do all that `housekeeping:` says. Nodes whose disks are short even then, with what is left."""
    wanted, short = bounds(said), dict[str, str]()
    with _warned(tools):
        for done in await _caches(wanted, nodes, inventory=inventory, tools=tools, only_if_short=False):
            _tell(done, tools)
            disk = done.after or done.before
            if cache_bounds.is_short(wanted, disk) and disk.free is not None:
                short[done.node] = f"{words.size(disk.free)} left"
    if said.registry:
        with _warned(tools):
            await _digests(inventory, tools)
    if said.keep_runs is not None:
        gone = await asyncio.to_thread(prune_runs, said.keep_runs, home=tools.state)
        if gone.runs:
            _say(tools, f"the logs of {len(gone.runs)} old runs are deleted: {words.size(gone.freed)}")
    return short


async def _caches(
    wanted: Bounds, nodes: Mapping[str, Node], *, inventory: Inventory, tools: Tools, only_if_short: bool
) -> Sequence[NodePruned]:
    if wanted.is_empty:
        return ()
    with tools.started() as run:
        buildx = await asyncio.to_thread(own_buildx, inventory, run.buildx_config)
        async with surveyed(nodes, _nobody) as survey:
            connections = Connections(nodes, survey.reached, run.runtime)
            means = Means(buildx=buildx, directory=run.spool, survey=survey, connections=connections)
            try:
                return await prune_nodes(nodes, wanted, means, only_if_short=only_if_short)
            finally:
                await connections.close()


async def _digests(inventory: Inventory, tools: Tools) -> None:
    with contextlib.closing(History.open(tools.state / "history.db")) as history:
        async with Client(inventory.registries, proxy=inventory.proxy) as client:
            for done in await prune_registry(history, client, now=tools.clock.now()):
                if done.error is not None:
                    _say(tools, f"{done.repository}: not cleaned up: {done.error.what}")
                else:
                    _say(tools, f"{done.repository}: {len(done.digests)} digests that no tag reaches are deleted")


def _tell(done: NodePruned, tools: Tools) -> None:
    if done.error is not None:
        _say(tools, f"{done.node}: not cleaned up: {done.error.what}")
    elif done.freed:
        _say(tools, f"{done.node}: {words.size(done.freed)} of build cache freed ({'; '.join(done.reasons)})")


def _say(tools: Tools, text: str) -> None:
    tools.emit(Tidied(message=text))


@contextlib.contextmanager
def _warned(tools: Tools) -> Iterator[None]:
    try:
        yield
    except FarmError as error:
        tools.emit(Warned(message=f"not cleaned up: {error.what}"))


def _nobody(_event: Event) -> None:
    """The builds have told who is there."""
