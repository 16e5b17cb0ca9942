"""Whether tags stand already for what was built, but for timestamps."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from farm.errors import FarmError
from farm.registry import manifests, sameness, verify
from farm.registry.client import Client, Manifest
from farm.registry.reference import Reference
from farm.retry import retrying
from farm.workflow.prepare import if_unreachable


async def stands_already(references: Sequence[Reference], index: Manifest, client: Client) -> str | None:
    """The digest that the first tag keeps where every tag has the same content; None where one has to move.

    What cannot be read counts as something else.
    """
    try:
        there = [
            await retrying(partial(client.digest, reference), pause_after=if_unreachable) for reference in references
        ]
        wanted = await _contents(references[0], index, client)
        for reference, digest in zip(references, there, strict=True):
            if digest is None:
                return None
            if digest != index.digest:
                found = await client.manifest(reference.with_digest(digest))
                if await _contents(reference, found, client) != wanted:
                    return None
    except FarmError:
        return None
    return there[0]


async def _contents(reference: Reference, found: Manifest, client: Client) -> list[tuple[str, str]]:
    """What counts of an index, or of a single image."""
    if not manifests.is_index(found.raw):
        return [("", await _essence(reference, found, client))]
    entries = manifests.entries(found.raw)
    attested = {entry.attestation_for for entry in entries}
    images = [entry for entry in entries if entry.attestation_for is None]

    async def essence(entry: manifests.Entry) -> tuple[str, str]:
        image = await client.manifest(reference.with_digest(entry.digest))
        has_more = " with attestations" if entry.digest in attested else ""
        return f"{entry.platform}{has_more}", await _essence(reference, image, client)

    return [("", sameness.of_index(found.raw)), *sorted(await asyncio.gather(*map(essence, images)))]


async def _essence(reference: Reference, image: Manifest, client: Client) -> str:
    config = await verify.whole(client, reference, manifests.image(image.raw).config)
    return sameness.essence(image.raw, config)
