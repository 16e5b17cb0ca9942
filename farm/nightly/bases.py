"""Whether base images have moved, and for which platforms: each tag is asked for once a night, by HEAD.

A manifest is read only where a tag stands for something else than it did: then the platforms for which it does are
told apart. No blob is ever pulled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial

from farm.errors import FarmError, RefusedError, UnreachableError
from farm.inventory import Registry
from farm.nightly.due import Move
from farm.platforms import Platform
from farm.registry import manifests, mirrors, reference
from farm.registry.client import Client
from farm.registry.http import RateLimitedError
from farm.registry.reference import Reference
from farm.retry import retrying
from farm.sources.inputs import UNKNOWN
from farm.workflow.prepare import if_unreachable


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What was found of a target's bases: the moves of each by name, and sentences on those that cannot be followed."""

    moved: Mapping[str, tuple[Move, ...]]
    unfollowed: tuple[str, ...]


class Bases:
    """Asks registries for one night's look; what several images are built on is asked for once.

    A registry that wants fewer requests is asked for nothing more.
    """

    def __init__(self, client: Client, registries: Mapping[str, Registry]) -> None:
        self._client = client
        self._registries = registries
        self._digests: dict[Reference, asyncio.Task[str | None]] = {}
        self._platforms: dict[Reference, asyncio.Task[Mapping[Platform, str] | None]] = {}
        self._limited: dict[str, RateLimitedError] = {}

    async def look(self, earlier: Mapping[str, Collection[str]]) -> Looked:
        """Compare bases, by the name that BuildKit has for them, with the digests that they had (one or several).

        Raises UnreachableError where a registry does not answer: nothing can be said then.
        """
        moved: dict[str, tuple[Move, ...]] = {}
        unfollowed: list[str] = []
        for name, digests in sorted(earlier.items()):
            image = reference.parse(name).with_default_tag()
            try:
                now = await self._digest(image)
            except RefusedError as error:
                unfollowed.append(f"base image {name} cannot be followed: {error.what}")
                continue
            if now is None:
                unfollowed.append(f"base image {name} is no longer in its registry")
                continue
            moves = [
                Move(old=old, new=now, platforms=await self._differing(image, old, now))
                for old in sorted(set(digests) - {now})
            ]
            if moves:
                moved[name] = tuple(moves)
        return Looked(moved=moved, unfollowed=tuple(unfollowed))

    async def _differing(self, image: Reference, old: str, new: str) -> frozenset[Platform] | None:
        """The platforms for which the two digests are not the same image; None where that cannot be told."""
        if old == UNKNOWN:
            return None
        if self._client.remaining(image.domain) == 0:
            raise RateLimitedError(
                f"registry {image.domain}: it lets nothing more be pulled for now, and {image} has moved",
                retry_after=None,
                fix="log in there, or name a mirror in the inventory",
            )
        before, after = await self._entries(image.with_digest(old)), await self._entries(image.with_digest(new))
        if before is None or after is None:
            return None
        return frozenset(p for p in before.keys() | after.keys() if before.get(p) != after.get(p))

    async def _digest(self, image: Reference) -> str | None:
        if limited := self._limited.get(image.domain):
            raise limited
        if image not in self._digests:
            ask = partial(mirrors.digest, self._client, image, self._registries)
            self._digests[image] = asyncio.create_task(retrying(ask, pause_after=if_unreachable))
        try:
            return await asyncio.shield(self._digests[image])
        except RateLimitedError as error:
            self._limited[image.domain] = error
            raise

    async def _entries(self, image: Reference) -> Mapping[Platform, str] | None:
        if image not in self._platforms:
            self._platforms[image] = asyncio.create_task(self._read(image))
        return await asyncio.shield(self._platforms[image])

    async def _read(self, image: Reference) -> Mapping[Platform, str] | None:
        """The digest of each platform's image in an index; None for what is none, or is no longer there."""
        ask = partial(mirrors.manifest, self._client, image, self._registries)
        try:
            found = await retrying(ask, pause_after=if_unreachable)
            if not manifests.is_index(found.raw):
                return None
            return {e.platform: e.digest for e in manifests.entries(found.raw) if e.attestation_for is None}
        except UnreachableError:
            raise
        except FarmError:
            return None

    async def close(self) -> None:
        """End what is still being asked."""
        tasks = [*self._digests.values(), *self._platforms.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
