"""Cuts the build caches of many nodes, all at once, and says what each gave back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from farm.build import cache_bounds
from farm.build import prune as pruning
from farm.build.cache_bounds import Bounds, Cut, Disk
from farm.build.cache_records import Record
from farm.build.failures import Diagnosis, Kind
from farm.build.locate import Buildx
from farm.build.prune import Cache
from farm.doctor.examined import Examined
from farm.errors import FarmError, RefusedError, UnreachableError
from farm.inventory import Housekeeping, Node
from farm.nodes.engine.choose import choose
from farm.nodes.engine.prospect import prospect
from farm.nodes.examine.ask import examine
from farm.nodes.facts import Unreachable
from farm.nodes.reach import Reached
from farm.plan.waking import may_wake
from farm.workflow.connections import Connections
from farm.workflow.survey import Survey
from farm.workflow.tending import tended
from farm.workflow.watch import GivenUpError


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What pruning takes: buildx, a private folder of the caller's own for its builders and logs, and open nodes."""

    buildx: Buildx
    directory: Path
    survey: Survey
    connections: Connections


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePruned:
    """What became of one node's cache.

    `freed` are bytes: of a dry run those that would be freed, about, else those that BuildKit says it freed. `reasons`
    say for each pruning why it was done; `note` why there was none to do, if so. `before` and `after` are the disk
    (`after` is None in a dry run).
    """

    node: str
    freed: int = 0
    reasons: tuple[str, ...] = ()
    note: str | None = None
    before: Disk = field(default_factory=Disk)
    after: Disk | None = None
    error: FarmError | None = None

    @property
    def inodes_freed(self) -> int | None:
        """How many more inodes are free than before; None where nobody knows."""
        if self.after is None or self.after.inodes_free is None or self.before.inodes_free is None:
            return None
        return max(0, self.after.inodes_free - self.before.inodes_free)


def bounds(said: Housekeeping) -> Bounds:
    """What the inventory wants of caches."""
    return Bounds(age=said.cache_age, used=said.cache_size, free=said.free_space, inodes=said.free_inodes)


async def prune_nodes(
    nodes: Mapping[str, Node],
    wanted: Bounds,
    means: Means,
    *,
    dry_run: bool = False,
    only_if_short: bool = False,
) -> tuple[NodePruned, ...]:
    """Cut the caches of these nodes, which are all in the survey; each carries its own error, and others go on.

    With `only_if_short` a node is left alone whose disk has the free bytes and inodes that are wanted. A node that
    sleeps is not woken, and a BuildKit that is not there is not made. Builds may go on meanwhile: BuildKit keeps what
    they use. Raises UsageError for a buildx that cannot be used.
    """
    return tuple(
        await asyncio.gather(
            *(
                _one(node, wanted, means, dry_run=dry_run, only_if_short=only_if_short, number=number)
                for number, node in enumerate(nodes.values())
            )
        )
    )


async def _one(
    node: Node, wanted: Bounds, means: Means, *, dry_run: bool, only_if_short: bool, number: int
) -> NodePruned:
    answer, nothing = means.survey.answers[node.name], NodePruned(node=node.name)
    if isinstance(answer, Unreachable):
        if may_wake(node, answer):
            return replace(nothing, note="asleep; it is not woken for that")
        return replace(nothing, error=answer.error)
    try:
        found = means.survey.reached[node.name]
        if not await _is_there(found, means):
            return replace(nothing, note="its BuildKit is made by the first build")
        pruner = _Pruner(found=found, wanted=wanted, means=means, number=number)
        before = await pruner.disk()
        if only_if_short and not cache_bounds.is_short(wanted, before):
            return replace(nothing, before=before, note="its disk is not short")
        done = await (pruner.forecast(before) if dry_run else pruner.prune(before))
    except GivenUpError as error:
        return replace(nothing, error=_error(node, error.diagnosis))
    except FarmError as error:
        return replace(nothing, error=error)
    return replace(done, note=None if done.reasons else "nothing to prune")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pruner:
    """One node's cache and what is wanted of it."""

    found: Reached
    wanted: Bounds
    means: Means
    number: int

    async def disk(self) -> Disk:
        """The file system of the cache, the fullest where there are several; nothing where the node cannot say."""
        node, facts = self.found.node, self.found.facts
        choice = choose(node, facts)
        condition = await examine(self.found.session, node)
        it = Examined(
            node=node, facts=facts, condition=condition, engine=choice.engine, in_container=choice.in_container
        )
        if not it.places:
            return Disk(free=facts.disk_free, total=facts.disk_total)
        place = min(it.places, key=lambda each: each.free)
        return Disk(free=place.free, total=place.total, inodes_free=place.inodes_free, inodes_total=place.inodes_total)

    async def forecast(self, before: Disk) -> NodePruned:
        """What pruning would do; nothing is changed."""
        filters = self.wanted.filters
        records = await self._usage(filters)
        whole = await self._usage() if filters else records
        done: list[tuple[Cut, int]] = []
        if (cut := cache_bounds.first(self.wanted, before)) is not None:
            done.append((cut, cache_bounds.forecast(cut, records)))
            going = cache_bounds.going(cut, records)
            records, whole = (tuple(each for each in some if each not in going) for some in (records, whole))
        if (cut := cache_bounds.then(self.wanted, _with(before, done), whole)) is not None:
            fits = cache_bounds.total(cache_bounds.going(cut, records))
            done.append((cut, min(fits, cache_bounds.forecast(cut, whole))))
        return self._answer(done, before)

    async def prune(self, before: Disk) -> NodePruned:
        """Prune, as far as the bounds call for it."""
        done: list[tuple[Cut, int]] = []
        if (cut := cache_bounds.first(self.wanted, before)) is not None:
            done.append((cut, await self._cut(cut)))
        if self.wanted.used is not None or self.wanted.free is not None:
            cut = cache_bounds.then(self.wanted, _with(before, done), await self._usage())
            if cut is not None:
                done.append((cut, await self._cut(cut)))
        return replace(self._answer(done, before), after=await self.disk())

    def _answer(self, done: Sequence[tuple[Cut, int]], before: Disk) -> NodePruned:
        reasons = tuple(cut.reason for cut, freed in done if freed)
        return NodePruned(
            node=self.found.node.name, freed=sum(freed for _, freed in done), reasons=reasons, before=before
        )

    async def _usage(self, filters: Sequence[str] = ()) -> tuple[Record, ...]:
        async def ask(cache: Cache) -> tuple[Record, ...] | Diagnosis:
            return await pruning.usage(cache, filters=filters)

        return await tended(ask, self._cache, self.means.connections)

    async def _cut(self, cut: Cut) -> int:
        async def ask(cache: Cache) -> pruning.Pruned | Diagnosis:
            return await pruning.prune(cache, cut=cut, filters=self.wanted.filters)

        return (await tended(ask, self._cache, self.means.connections)).size

    async def _cache(self) -> Cache:
        # Two nodes whose names differ in what buildx does not keep must not share a builder.
        folder = self.means.directory / f"prune-{self.number}"
        folder.mkdir(exist_ok=True)
        name = self.found.node.name
        return Cache(
            buildx=self.means.buildx,
            config=folder,
            endpoint=await self.means.connections.endpoint(name),
            platforms=self.found.facts.native,
            log=folder / "prune.log",
        )


async def _is_there(found: Reached, means: Means) -> bool:
    if not choose(found.node, found.facts).in_container:
        return True
    return (await prospect(found.node, found.facts, found.session, means.directory)).version is not None


def _with(disk: Disk, done: Sequence[tuple[Cut, int]]) -> Disk:
    """The disk after that."""
    return replace(disk, free=None if disk.free is None else disk.free + sum(freed for _, freed in done))


def _error(node: Node, diagnosis: Diagnosis) -> FarmError:
    kind = RefusedError if diagnosis.kind is Kind.REFUSED else UnreachableError
    return kind(f"{node.name}: its build cache could not be pruned: {diagnosis.reason}", fix=diagnosis.fix)
