"""Deletes from registries what farm pushed and no tag reaches any more.

No registry lists manifests without a tag, so that only those go which farm's history remembers, with what stands in
them. What a tag reaches stays: its manifest, what an index holds at any depth, and what a manifest names as its
subject. So does what is younger than a day, what a run may be resumed with, and what the last build of each target
made. Other people's signatures and the like were never pushed by farm, and so stay too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from farm.errors import FarmError
from farm.history.history import History
from farm.registry import manifests, reference
from farm.registry.client import Client, NotAllowedError, NotThereError
from farm.registry.manifests import Descriptor
from farm.registry.reference import Reference
from farm.retry import retrying
from farm.workflow.prepare import if_unreachable

_YOUNG = timedelta(days=1)
# Registries at home run on boards too.
_AT_ONCE = 4
# A digest that nothing has: whether it may be deleted tells whether anything may.
_NOBODYS = f"sha256:{'0' * 64}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryPruned:
    """What became of one repository: the digests that were deleted, or would be, or why nothing could be.

    Of a registry that lets nothing be deleted there is one answer, whose `repository` is the registry.
    """

    repository: str
    digests: tuple[str, ...] = ()
    error: FarmError | None = None


@dataclass(slots=True)
class _Place:
    """A repository, with what may be deleted there in this order, and what must stay whatever its tags are."""

    repository: Reference
    spare: list[str] = field(default_factory=list)
    needed: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)


async def prune_registry(
    history: History, client: Client, *, now: datetime, dry_run: bool = False
) -> tuple[RepositoryPruned, ...]:
    """Delete what no tag reaches, in all repositories that farm ever pushed to; each carries its own error.

    Only repositories with something to delete, or with an error, are among the answers. `now` has a zone. Raises
    HistoryError.
    """
    places = await asyncio.to_thread(_places, history, now - _YOUNG)
    pruner = _Pruner(client=client, dry_run=dry_run, at_once=asyncio.Semaphore(_AT_ONCE))
    done = await asyncio.gather(*(pruner.prune(place) for place in places))
    if not dry_run:
        await asyncio.to_thread(history.note_gone, {str(place.repository): place.gone for place in places})
    refused = (RepositoryPruned(repository=domain, error=error) for domain, error in pruner.refused.items())
    return (*(each for each in done if each.digests or each.error), *refused)


def _places(history: History, since: datetime) -> list[_Place]:
    """The repositories in which something may be deleted."""
    pushed, gone = history.pushed(since)
    places: dict[str, _Place] = {}
    for each in pushed:
        for repository in _repositories(each.references):
            place = places.setdefault(str(repository), _Place(repository))
            if each.is_needed:
                place.needed.add(each.digest)
            elif gone.get((str(repository), each.digest), -1) < each.number:
                place.spare.append(each.digest)
    for place in places.values():
        place.spare = [digest for digest in dict.fromkeys(place.spare) if digest not in place.needed]
    return [place for place in places.values() if place.spare]


def _repositories(references: Iterable[str]) -> Iterable[Reference]:
    whole = (reference.parse(text) for text in references)
    return dict.fromkeys(replace(each, tag=None, digest=None) for each in whole)


@dataclass(slots=True, kw_only=True)
class _Pruner:
    """Prunes repositories; `refused` are the registries that let nothing be deleted."""

    client: Client
    dry_run: bool
    at_once: asyncio.Semaphore
    refused: dict[str, FarmError] = field(default_factory=dict)

    async def prune(self, place: _Place) -> RepositoryPruned:
        """Find what no tag reaches, and delete it."""
        deleted: list[str] = []
        error: FarmError | None = None
        try:
            async with self.at_once:
                # To read manifests counts as a pull in some registries that then let nothing be deleted.
                await retrying(
                    partial(self.client.delete, place.repository.with_digest(_NOBODYS)), pause_after=if_unreachable
                )
                await self._prune(place, deleted)
        except NotAllowedError as caught:
            self.refused[place.repository.domain] = caught
        except FarmError as caught:
            error = caught
        return RepositoryPruned(repository=str(place.repository), digests=tuple(deleted), error=error)

    async def _prune(self, place: _Place, deleted: list[str]) -> None:
        there = [digest for digest in place.spare if await self._is_there(place, digest)]
        place.gone |= set(place.spare).difference(there)
        reached = await self._reached(place) if there else set()
        for digest in there:
            if digest in reached:
                continue
            # What stands in an index is of no use without it, and nobody else knows it by name.
            inner = [each.digest for each in await self._held(place, digest)]
            for each in (digest, *inner):
                if each in reached or each in deleted:
                    continue
                if self.dry_run or await self._delete(place, each):
                    deleted.append(each)
                place.gone.add(each)

    async def _reached(self, place: _Place) -> set[str]:
        """All that the tags hold, and what is needed whatever they hold. Raises FarmError where one cannot be read."""
        reached: set[str] = set()
        waiting = sorted(place.needed)
        for tag in await retrying(partial(self.client.tags, place.repository), pause_after=if_unreachable):
            tagged = replace(place.repository, tag=tag)
            digest = await retrying(partial(self.client.digest, tagged), pause_after=if_unreachable)
            waiting += [digest] if digest else []
        while waiting:
            digest = waiting.pop()
            if digest not in reached:
                reached.add(digest)
                waiting += [each.digest for each in await self._held(place, digest)]
        return reached

    async def _held(self, place: _Place, digest: str) -> tuple[Descriptor, ...]:
        """What a manifest holds; nothing for one that has gone."""
        try:
            found = await retrying(
                partial(self.client.manifest, place.repository.with_digest(digest)), pause_after=if_unreachable
            )
        except NotThereError:
            return ()
        return manifests.held(found.raw)

    async def _is_there(self, place: _Place, digest: str) -> bool:
        asked = partial(self.client.digest, place.repository.with_digest(digest))
        return await retrying(asked, pause_after=if_unreachable) is not None

    async def _delete(self, place: _Place, digest: str) -> bool:
        return await retrying(
            partial(self.client.delete, place.repository.with_digest(digest)), pause_after=if_unreachable
        )
