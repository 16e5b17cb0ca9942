"""Cleans up: build caches, registries and logs at once, each for itself."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from farm.build.cache_bounds import Bounds
from farm.errors import Exit
from farm.history.errors import HistoryError
from farm.history.history import History
from farm.inventory import Housekeeping, Inventory, Node
from farm.registry.client import Client, NotAllowedError
from farm.report.events import Event
from farm.workflow.connections import Connections
from farm.workflow.own_buildx import own_buildx
from farm.workflow.prune_nodes import Means, NodePruned, bounds, prune_nodes
from farm.workflow.prune_registry import RepositoryPruned, prune_registry
from farm.workflow.prune_runs import RunsPruned, prune_runs
from farm.workflow.run import state_home
from farm.workflow.survey import surveyed


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be cleaned up: of caches, whether of registries, and all but how many runs (None for none)."""

    caches: Bounds = field(default_factory=Bounds)
    registry: bool = False
    keep_runs: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether that is nothing."""
        return self.caches.is_empty and not self.registry and self.keep_runs is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """All that was cleaned up, or would be."""

    nodes: tuple[NodePruned, ...] = ()
    repositories: tuple[RepositoryPruned, ...] = ()
    runs: RunsPruned | None = None

    @property
    def exit_code(self) -> Exit:
        """That of the worst error. A registry that lets nothing be deleted is as its owner has set it: no error."""
        errors = [*(node.error for node in self.nodes), *(place.error for place in self.repositories)]
        codes = [error.exit_code for error in errors if error is not None and not isinstance(error, NotAllowedError)]
        return max(codes, default=Exit.DONE)


def wanted(said: Housekeeping) -> Wanted:
    """What the inventory wants."""
    return Wanted(caches=bounds(said), registry=said.registry, keep_runs=said.keep_runs)


async def prune(
    inventory: Inventory,
    nodes: Mapping[str, Node],
    wanted: Wanted,
    *,
    timeout: float,  # noqa: ASYNC109 - per node
    dry_run: bool,
) -> Pruned:
    """Clean up on these nodes, in the registries that farm pushed to, and here; a node may take `timeout` to answer.

    Raises UsageError for a buildx that cannot be used.
    """
    caches, repositories = await asyncio.gather(
        prune_caches(inventory, nodes, wanted.caches, timeout=timeout, dry_run=dry_run),
        prune_repositories(inventory, state=state_home(), now=datetime.now(UTC), dry_run=dry_run)
        if wanted.registry
        else _none(),
    )
    runs = None
    if wanted.keep_runs is not None:
        runs = await asyncio.to_thread(prune_runs, wanted.keep_runs, dry_run=dry_run)
    return Pruned(nodes=caches, repositories=repositories, runs=runs)


async def prune_caches(
    inventory: Inventory,
    nodes: Mapping[str, Node],
    wanted: Bounds,
    *,
    timeout: float = 10,  # noqa: ASYNC109 - per node
    dry_run: bool = False,
    only_if_short: bool = False,
) -> tuple[NodePruned, ...]:
    """Cut the caches of these nodes, see `prune_nodes`. Raises UsageError for a buildx that cannot be used."""
    if wanted.is_empty:
        return ()
    with tempfile.TemporaryDirectory(prefix="farm-") as name:
        directory = Path(name)
        buildx = await asyncio.to_thread(own_buildx, inventory, directory)
        async with surveyed(nodes, _ignore, connect_timeout=timeout) as survey:
            connections = Connections(nodes, survey.reached, directory)
            try:
                means = Means(buildx=buildx, directory=directory, survey=survey, connections=connections)
                return await prune_nodes(nodes, wanted, means, dry_run=dry_run, only_if_short=only_if_short)
            finally:
                await connections.close()


async def prune_repositories(
    inventory: Inventory, *, state: Path, now: datetime, dry_run: bool = False
) -> tuple[RepositoryPruned, ...]:
    """Delete what no tag reaches, see `prune_registry`; `state` is where farm remembers what it pushed."""
    path = state / "history.db"
    if not path.exists():
        return ()
    try:
        with History.open(path) as history:
            async with Client(inventory.registries, proxy=inventory.proxy) as client:
                return await prune_registry(history, client, now=now, dry_run=dry_run)
    except HistoryError as error:
        return (RepositoryPruned(repository=str(path), error=error),)


async def _none() -> tuple[RepositoryPruned, ...]:
    return ()


def _ignore(_event: Event) -> None:
    pass
