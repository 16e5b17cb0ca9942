"""What a night cleans up: the caches of its nodes, what no tag reaches in registries, the logs of old runs.

What cannot be cleaned up is a warning: it makes no night a bad one.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from farm.build import cache_bounds
from farm.build.cache_bounds import Bounds, Disk
from farm.errors import FarmError
from farm.inventory import Housekeeping, Inventory, Node
from farm.nightly.decided import Tools
from farm.nightly.ledger import COORDINATOR
from farm.report import words
from farm.report.events import Tidied, Warned
from farm.workflow.prune import prune_caches, prune_repositories
from farm.workflow.prune_nodes import NodePruned, bounds
from farm.workflow.prune_runs import prune_runs

LEAST = 1_000_000_000
"""Bytes that should be free on a disk, if nobody has said how many: a checkout and some logs, or a small build, need
as much."""


def of_coordinator(state: Path) -> dict[str, str]:
    """The coordinator, if its own disk is nearly full, with what is left."""
    with contextlib.suppress(OSError):
        free = shutil.disk_usage(state).free
        if free < LEAST:
            return {COORDINATOR: f"{words.size(free)} left"}
    return {}


def of_nodes(free: Mapping[str, int]) -> dict[str, str]:
    """Of the nodes, each with the free bytes of its cache's disk, those that are nearly full, with what is left."""
    return {node: f"{words.size(left)} left" for node, left in free.items() if left < LEAST}


def watches_disks(said: Housekeeping | None) -> bool:
    """Whether cleaning up tells whose disk is short of what is wanted."""
    return said is not None and (said.free_space is not None or said.free_inodes is not None)


async def make_room(said: Housekeeping, nodes: Mapping[str, Node], *, inventory: Inventory, tools: Tools) -> None:
    """Before the builds: cut the caches of those nodes whose disks are short of what is wanted."""
    if not watches_disks(said):
        return
    with _warned(tools):
        for done in await prune_caches(inventory, nodes, bounds(said), only_if_short=True):
            _tell(done, tools)


async def tidy(said: Housekeeping, nodes: Mapping[str, Node], *, inventory: Inventory, tools: Tools) -> dict[str, str]:
    """After the builds: do all that `housekeeping:` says. Nodes whose disks are short even then, with what is left."""
    wanted, short = bounds(said), dict[str, str]()
    with _warned(tools):
        for done in await prune_caches(inventory, nodes, wanted):
            _tell(done, tools)
            if left := left_over(wanted, done.after or done.before):
                short[done.node] = left
    if said.registry:
        with _warned(tools):
            await _digests(inventory, tools)
    if said.keep_runs is not None:
        gone = await asyncio.to_thread(prune_runs, said.keep_runs, home=tools.state)
        if gone.runs:
            _say(tools, f"the logs of {len(gone.runs)} old runs are deleted: {words.size(gone.freed)}")
    return short


def left_over(wanted: Bounds, disk: Disk) -> str | None:
    """What is left of a disk that is short of what is wanted, in words; None for one that is not."""
    if cache_bounds.is_short_of_inodes(wanted, disk):
        return f"{disk.inodes_free} inodes left"
    if disk.free is not None and cache_bounds.is_short(wanted, disk):
        return f"{words.size(disk.free)} left"
    return None


async def _digests(inventory: Inventory, tools: Tools) -> None:
    for done in await prune_repositories(inventory, state=tools.state, now=tools.clock.now()):
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
