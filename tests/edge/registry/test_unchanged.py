"""Tags that stand already for what was built, in a real registry."""

from __future__ import annotations

import secrets

import pytest

from farm.inventory import Registry as Settings
from farm.registry.client import Client
from farm.registry.reference import Reference, parse
from farm.workflow.unchanged import stands_already
from tests.edge.registry.docker_registry import Registry

BEFORE, NOW = "2026-11-23T02:00:00Z", "2026-11-24T02:00:00Z"


@pytest.fixture
def place(registry: Registry) -> Reference:
    return parse(f"{registry.domain}/{secrets.token_hex(4)}:1")


def put(
    registry: Registry,
    place: Reference,
    tag: str,
    *,
    created: str,
    layers: tuple[bytes, ...] = (b"layer",),
    architectures: tuple[str, ...] = ("amd64", "arm64"),
    is_attested: bool = True,
) -> str:
    """An index of images that differ in their architecture alone; its digest."""
    entries = []
    for architecture in architectures:
        config = {"architecture": architecture, "os": "linux", "created": created, "history": [{"created": created}]}
        digest = registry.put_image(place.path, config, *layers)
        entry = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 1, "digest": digest}
        entries.append({**entry, "platform": {"os": "linux", "architecture": architecture}})
        if is_attested:
            about = registry.put_image(place.path, {"created": created, "of": architecture}, b"attestation")
            entries.append(
                {
                    **entry,
                    "digest": about,
                    "platform": {"os": "unknown", "architecture": "unknown"},
                    "annotations": {
                        "vnd.docker.reference.type": "attestation-manifest",
                        "vnd.docker.reference.digest": digest,
                    },
                }
            )
    return registry.put_index(place.path, tag, *entries)


async def asked(registry: Registry, place: Reference, new: str, *tags: str) -> str | None:
    references = [parse(f"{place.repository}:{tag}") for tag in tags]
    async with Client({registry.domain: Settings(http=True)}) as client:
        return await stands_already(references, await client.manifest(place.with_digest(new)), client)


async def test_other_times_are_the_same_image(registry: Registry, place: Reference) -> None:
    old = put(registry, place, "1", created=BEFORE)
    assert put(registry, place, "2", created=BEFORE) == old
    new = put(registry, place, "new", created=NOW)
    assert new != old
    assert await asked(registry, place, new, "1", "2") == old


async def test_the_very_same_image(registry: Registry, place: Reference) -> None:
    old = put(registry, place, "1", created=BEFORE)
    assert await asked(registry, place, old, "1") == old


async def test_every_tag_has_to_stand_for_it(registry: Registry, place: Reference) -> None:
    put(registry, place, "1", created=BEFORE)
    put(registry, place, "2", created=BEFORE, layers=(b"other",))
    new = put(registry, place, "new", created=NOW)
    assert await asked(registry, place, new, "1", "2") is None
    assert await asked(registry, place, new, "1", "none") is None
    assert await asked(registry, place, new, "none") is None


async def test_other_layers_platforms_or_attestations_are_another_image(registry: Registry, place: Reference) -> None:
    put(registry, place, "1", created=BEFORE)
    for new in (
        put(registry, place, "new", created=NOW, layers=(b"other",)),
        put(registry, place, "new", created=NOW, layers=(b"layer", b"more")),
        put(registry, place, "new", created=NOW, architectures=("amd64",)),
        put(registry, place, "new", created=NOW, architectures=("amd64", "arm64", "arm")),
        put(registry, place, "new", created=NOW, is_attested=False),
    ):
        assert await asked(registry, place, new, "1") is None


async def test_a_single_image_without_an_index(registry: Registry, place: Reference) -> None:
    old = registry.put_image(place.path, {"os": "linux", "created": BEFORE}, b"layer", tag="1")
    new = registry.put_image(place.path, {"os": "linux", "created": NOW}, b"layer", tag="new")
    assert await asked(registry, place, new, "1") == old
    index = put(registry, place, "index", created=NOW, architectures=("amd64",))
    assert await asked(registry, place, index, "1") is None
