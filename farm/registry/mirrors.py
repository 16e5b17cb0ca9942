"""What a tag stands for, asked in the order in which a node pulls: the mirrors of its registry, then the registry."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from farm.errors import FarmError
from farm.registry.client import Client, Manifest
from farm.registry.reference import Reference


class Mirrored(Protocol):
    """A registry that may have mirrors. The inventory's `Registry` is one."""

    @property
    def mirrors(self) -> Sequence[str]:
        """Where to ask first: `host[:port][/path]`."""


async def digest(client: Client, reference: Reference, registries: Mapping[str, Mirrored]) -> str | None:
    """The digest of a tag, or None where not even its own registry has it.

    A mirror that does not answer, refuses or does not have it is passed over, as BuildKit does. Raises what the
    registry itself makes of it, UnreachableError and RefusedError.
    """
    registry = registries.get(reference.domain)
    for mirror in registry.mirrors if registry else ():
        try:
            found = await client.digest(at(mirror, reference), mirrored=reference.domain)
        except FarmError:
            continue
        if found:
            return found
    return await client.digest(reference)


async def manifest(client: Client, reference: Reference, registries: Mapping[str, Mirrored]) -> Manifest:
    """A manifest by its digest, from the first that has it: the mirrors, then the registry. Raises what that one does.

    Whoever has it, the digest proves it.
    """
    registry = registries.get(reference.domain)
    for mirror in registry.mirrors if registry else ():
        with contextlib.suppress(FarmError):
            return await client.manifest(at(mirror, reference), mirrored=reference.domain)
    return await client.manifest(reference)


def at(mirror: str, reference: Reference) -> Reference:
    """The same image in a mirror (BuildKit, util/resolver: a mirror's path stands before the repository's)."""
    domain, _, folder = mirror.partition("/")
    return replace(reference, domain=domain, path=f"{folder}/{reference.path}" if folder else reference.path)
