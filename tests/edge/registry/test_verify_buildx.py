"""What buildx and BuildKit really push, checked as farm checks it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from farm import platforms
from farm.errors import VerificationError
from farm.platforms import Platform
from farm.registry import manifests, verify
from farm.registry.client import Client
from farm.registry.reference import Reference, parse
from tests.edge.registry.builder import Builder, running
from tests.edge.registry.test_registry_verify import PROGRAMS

AMD64, ARM64, ARM_V7 = PROGRAMS
FROM_SCRATCH = 'FROM scratch\nARG TARGETARCH\nCOPY --chmod=755 $TARGETARCH /app\nENTRYPOINT ["/app"]\n'


@pytest.fixture(scope="module")
def builder() -> Iterator[Builder]:
    with running() as found:
        for platform, head in PROGRAMS.items():
            found.add(platform.architecture, head + bytes(1000))
        yield found


async def pushed(builder: Builder, platform: Platform, name: str, *options: str) -> tuple[Reference, manifests.Entry]:
    """Push by digest as a node does, and find the inner image."""
    reference = parse(f"{builder.registry.domain}/{name}")
    output = f"type=image,name={reference},push-by-digest=true,name-canonical=true,push=true"
    digest = builder.build_digest(FROM_SCRATCH, "--platform", str(platform), *options, "--output", output)
    async with Client({}) as client:
        return reference, manifests.image_entry((await client.manifest(reference.with_digest(digest))).raw, platform)


@pytest.mark.parametrize("platform", PROGRAMS, ids=str)
@pytest.mark.parametrize("provenance", ["true", "false"])
async def test_an_image_for_its_platform_is_right(builder: Builder, platform: Platform, provenance: str) -> None:
    reference, entry = await pushed(builder, platform, f"x{platform.slug}", f"--provenance={provenance}")
    async with Client({}) as client:
        checked = await verify.image(client, reference, platform, entry.digest)
    assert checked.program == "/app"
    assert (checked.elf or "").startswith(platform.architecture)


async def test_the_variant_of_arm_is_told_apart(builder: Builder) -> None:
    reference, entry = await pushed(builder, ARM_V7, "variant")
    async with Client({}) as client:
        with pytest.raises(VerificationError, match="its config says linux/arm/v7"):
            await verify.image(client, reference, platforms.parse("linux/arm/v6"), entry.digest)


async def test_a_foreign_program_under_a_right_config_is_found_out(builder: Builder) -> None:
    reference, entry = await pushed(builder, ARM64, "lie", "--build-arg", "TARGETARCH=amd64")
    async with Client({}) as client:
        with pytest.raises(VerificationError, match="/app is made for amd64"):
            await verify.image(client, reference, ARM64, entry.digest)


async def test_a_joined_index_with_attestations_is_right(builder: Builder) -> None:
    expected = {}
    for platform in (AMD64, ARM64):
        reference, entry = await pushed(builder, platform, "joined")
        expected[platform] = entry.digest
    tags = [parse(f"{reference.repository}:{tag}") for tag in ("1", "latest")]
    names = [word for tag in tags for word in ("--tag", str(tag))]
    digest = builder.build_digest(FROM_SCRATCH, "--platform", "linux/amd64,linux/arm64", *names, "--push")
    async with Client({}) as client:
        index = await verify.index(client, tags[:1], expected, digest)
        await verify.tags(client, tags, digest)
    assert index.digest == digest
    assert [entry.attestation_for for entry in manifests.entries(index.raw)] == [None, None, *expected.values()]
