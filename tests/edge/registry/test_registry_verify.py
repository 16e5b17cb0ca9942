"""Checks of what a real registry holds."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from farm import platforms
from farm.errors import VerificationError
from farm.platforms import Platform
from farm.registry import manifests, memory, verify
from farm.registry.client import Client
from farm.registry.reference import Reference, parse
from farm.registry.verify import Checked
from tests.edge.registry.docker_registry import MANIFEST, Registry
from tests.edge.registry.http_server import Answer, Asked, Server

AMD64, ARM64, ARM_V7 = (platforms.parse(text) for text in ("linux/amd64", "linux/arm64", "linux/arm/v7"))
# ELF headers as far as they are looked at; what follows them in a file does not matter.
PROGRAMS = {
    AMD64: bytes.fromhex("7f454c4602010100000000000000000003003e0001000000"),
    ARM64: bytes.fromhex("7f454c460201010000000000000000000300b70001000000"),
    ARM_V7: bytes.fromhex("7f454c460101010000000000000000000300280001000000" + "00" * 12 + "00040005"),
}


def layer(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            item = tarfile.TarInfo(name)
            item.size, item.mode = len(content), 0o755
            tar.addfile(item, io.BytesIO(content))
    return buffer.getvalue()


def config(platform: Platform, *entrypoint: str) -> dict[str, Any]:
    words = {"os": platform.os, "architecture": platform.architecture, "variant": platform.variant}
    return {**{key: value for key, value in words.items() if value}, "config": {"Entrypoint": list(entrypoint)}}


def program(platform: Platform) -> bytes:
    return PROGRAMS[platform] + bytes(100_000)


async def check(registry: Registry, platform: Platform, digest: str, repository: str = "x") -> Checked:
    async with Client({}) as client:
        return await verify.image(client, parse(f"{registry.domain}/{repository}"), platform, digest)


@pytest.mark.parametrize(
    ("platform", "words"), [(AMD64, "amd64, 64 bit"), (ARM64, "arm64, 64 bit"), (ARM_V7, "arm, EABI5, hard float")]
)
async def test_an_image_that_is_right(registry: Registry, platform: Platform, words: str) -> None:
    base = layer({"bin/sh": program(platform)})
    digest = registry.put_image("x", config(platform, "/app"), base, layer({"app": program(platform)}))
    checked = await check(registry, platform, digest)
    assert checked == Checked(platform=platform, digest=digest, elf=words, program="/app")


async def test_a_config_for_another_platform(registry: Registry) -> None:
    digest = registry.put_image("x", config(AMD64, "/app"), layer({"app": program(ARM64)}))
    with pytest.raises(VerificationError) as error:
        await check(registry, ARM64, digest)
    assert error.value.what == "linux/arm64: the pushed image is not for this platform: its config says linux/amd64"
    assert error.value.details == (f"{registry.domain}/x@{digest}",)


async def test_a_program_for_another_platform(registry: Registry) -> None:
    digest = registry.put_image("x", config(ARM64, "/app"), layer({"app": program(AMD64)}))
    with pytest.raises(VerificationError, match="its program /app is made for amd64, 64 bit"):
        await check(registry, ARM64, digest)


async def test_an_image_whose_programs_are_all_foreign(registry: Registry) -> None:
    files = {"start": b"#!/bin/sh\n", "a": program(AMD64), "b": program(AMD64)}
    digest = registry.put_image("x", config(ARM64, "/start"), layer(files))
    with pytest.raises(VerificationError, match="its program /a is made for amd64"):
        await check(registry, ARM64, digest)


async def test_an_image_of_scripts_and_data(registry: Registry) -> None:
    digest = registry.put_image("x", config(AMD64, "/start"), layer({"start": b"#!/bin/sh\n", "data": b"x"}))
    checked = await check(registry, AMD64, digest)
    assert (checked.elf, checked.program, checked.note) == (None, None, "it holds no ELF program")
    assert not checked.doubt


async def test_an_image_without_layers(registry: Registry) -> None:
    checked = await check(registry, AMD64, registry.put_image("x", config(AMD64)))
    assert (checked.note, checked.doubt) == ("it has no layers", "")


async def test_layers_may_be_plain_tar(registry: Registry) -> None:
    digest = registry.put_image("x", config(AMD64, "/app"), gzip.decompress(layer({"app": program(AMD64)})))
    assert (await check(registry, AMD64, digest)).program == "/app"


async def test_a_layer_that_is_none(registry: Registry) -> None:
    digest = registry.put_image("x", config(AMD64, "/app"), b"no layer" * 500)
    with pytest.raises(VerificationError, match="not a tar archive"):
        await check(registry, AMD64, digest)


async def test_an_image_that_is_not_there(registry: Registry) -> None:
    with pytest.raises(VerificationError, match="the registry lacks a part of it"):
        await check(registry, AMD64, "sha256:" + "00" * 32)


async def test_an_index_in_the_place_of_an_image(registry: Registry) -> None:
    image = registry.put_image("x", config(AMD64))
    entry = {"mediaType": MANIFEST, "digest": image, "size": 1, "platform": {"os": "linux", "architecture": "amd64"}}
    with pytest.raises(VerificationError, match="has no 'config'"):
        await check(registry, AMD64, registry.put_index("x", "nested", entry))


async def test_no_more_is_read_than_is_needed(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = bytes(range(256)) * 8192  # 2 MiB, and no program in it
    monkeypatch.setattr(verify, "LAYER_BYTES", 100_000)
    top = gzip.decompress(layer({"data": noise, "app": program(ARM64)}))
    digest = registry.put_image("x", config(AMD64, "/app"), layer({"app": program(ARM64)}), top)
    checked = await check(registry, AMD64, digest)
    assert (checked.elf, checked.doubt) == (None, "no program within the first 0 MiB of its layers")


async def test_what_was_right_before_is_not_read_again(registry: Registry, tmp_path: Path) -> None:
    digest = registry.put_image("x", config(AMD64, "/app"), layer({"app": program(AMD64)}))
    path = tmp_path / "state" / "verified.json"
    memory.store(path, [await check(registry, AMD64, digest)])
    known = memory.load(path)
    with Server(lambda asked: Answer(status=500)) as server:
        async with Client({}) as client:
            repository = parse(f"{server.domain}/x")
            assert await verify.image(client, repository, AMD64, digest, known) == known[digest]
    assert server.asked == []


async def test_a_cancelled_check_ends_at_once_with_its_thread(registry: Registry) -> None:
    content = layer({"data": bytes(range(256)) * 4096})
    digest = registry.put_image("slow", config(AMD64, "/app"), content)
    async with Client({}) as real:
        raw = (await real.manifest(parse(f"{registry.domain}/slow").with_digest(digest))).raw
    image = manifests.image(raw)
    inner = json.dumps(config(AMD64, "/app")).encode()

    def reply(asked: Asked) -> Answer:
        if asked.path.endswith(digest):
            return Answer(body=raw)
        if asked.path.endswith(image.config.digest):
            return Answer(body=inner)
        return Answer(body=content[:2000], headers={"Content-Length": str(len(content))})  # and then nothing more

    with Server(reply) as server:
        async with Client({}) as client:
            task = asyncio.create_task(verify.image(client, parse(f"{server.domain}/slow"), AMD64, digest))
            await asyncio.sleep(0.5)
            assert not task.done()
            start = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.get_running_loop().shutdown_default_executor()
            assert time.monotonic() - start < 1


def entry(digest: str, platform: Platform) -> dict[str, Any]:
    words = {"os": platform.os, "architecture": platform.architecture, "variant": platform.variant}
    platform_words = {key: value for key, value in words.items() if value}
    return {"mediaType": MANIFEST, "digest": digest, "size": 1, "platform": platform_words}


def attestation(digest: str, of: str) -> dict[str, Any]:
    annotations = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": of}
    return {**entry(digest, Platform("unknown", "unknown")), "annotations": annotations}


class Pushed:
    """Images for two platforms and an attestation, in a repository of their own."""

    def __init__(self, registry: Registry, repository: str) -> None:
        self.registry, self.repository = registry, repository
        self.images = {platform: registry.put_image(repository, config(platform)) for platform in (AMD64, ARM64)}
        self.other = registry.put_image(repository, config(ARM_V7))
        self.proof = registry.put_image(repository, config(Platform("unknown", "unknown")))

    def index(self, tag: str, *entries: dict[str, Any]) -> str:
        return self.registry.put_index(self.repository, tag, *entries)

    def reference(self, tag: str) -> Reference:
        return parse(f"{self.registry.domain}/{self.repository}:{tag}")

    async def check(self, digest: str, *elsewhere: Reference) -> str:
        async with Client({}) as client:
            return (await verify.index(client, [self.reference("1"), *elsewhere], self.images, digest)).digest

    async def wrong(self, digest: str, *elsewhere: Reference) -> str:
        with pytest.raises(VerificationError, match="does not hold what was built") as error:
            await self.check(digest, *elsewhere)
        return "\n".join(error.value.details)

    async def check_tags(self, digest: str, *tags: str) -> None:
        async with Client({}) as client:
            await verify.tags(client, [self.reference(tag) for tag in tags], digest)


@pytest.fixture
def pushed(registry: Registry, request: pytest.FixtureRequest) -> Pushed:
    return Pushed(registry, request.node.name.lower())


async def test_an_index_that_is_right(pushed: Pushed) -> None:
    entries = [entry(digest, platform) for platform, digest in pushed.images.items()]
    digest = pushed.index("any", *entries, attestation(pushed.proof, pushed.images[ARM64]))
    assert await pushed.check(digest) == digest


async def test_every_difference_is_told(pushed: Pushed) -> None:
    amd64, arm64 = pushed.images[AMD64], pushed.images[ARM64]
    lacks = pushed.index("any", entry(amd64, AMD64))
    assert await pushed.wrong(lacks) == "linux/arm64: it is missing"
    extra = pushed.index("any", entry(amd64, AMD64), entry(arm64, ARM64), entry(pushed.other, ARM_V7))
    assert await pushed.wrong(extra) == "linux/arm/v7: it was not planned"
    twice = pushed.index("any", entry(amd64, AMD64), entry(arm64, ARM64), entry(arm64, ARM64))
    assert await pushed.wrong(twice) == "linux/arm64: it is there 2 times"
    swapped = pushed.index("any", entry(pushed.other, AMD64), entry(arm64, ARM64))
    assert await pushed.wrong(swapped) == f"linux/amd64: its digest is {pushed.other}, expected {amd64}"
    proof = pushed.index("any", entry(amd64, AMD64), entry(arm64, ARM64), attestation(pushed.proof, pushed.other))
    assert await pushed.wrong(proof) == (
        f"attestation {pushed.proof} speaks of {pushed.other}, which is not in the index"
    )


async def test_every_repository_must_have_it(pushed: Pushed) -> None:
    digest = pushed.index("any", *(entry(image, platform) for platform, image in pushed.images.items()))
    other = parse(f"{pushed.registry.domain}/{pushed.repository}/other:1")
    assert await pushed.wrong(digest, other) == f"{other.repository}: it lacks {digest}"
    nowhere = f"sha256:{'0' * 64}"
    assert await pushed.wrong(nowhere) == f"{pushed.reference('1').repository}: it lacks {nowhere}"


async def test_every_tag_must_be_there_and_the_same(pushed: Pushed) -> None:
    entries = [entry(digest, platform) for platform, digest in pushed.images.items()]
    good = pushed.index("1", *entries)
    moved = pushed.index("2", *entries, entry(pushed.other, ARM_V7))
    await pushed.check_tags(good, "1")
    with pytest.raises(VerificationError, match=":1: the tag does not stand for what was built") as error:
        await pushed.check_tags(good, "1", "2", "3")
    assert error.value.details == (
        f"{pushed.reference('2')}: {moved}, expected {good}",
        f"{pushed.reference('3')}: not in the registry, expected {good}",
    )


async def test_one_platform_without_attestations_is_a_bare_image(registry: Registry) -> None:
    digest = registry.put_image("bare", config(AMD64), tag="1")
    reference = parse(f"{registry.domain}/bare:1")
    async with Client({}) as client:
        assert (await verify.index(client, [reference], {AMD64: digest}, digest)).digest == digest
        with pytest.raises(VerificationError) as error:
            await verify.index(client, [reference], {AMD64: digest, ARM64: digest}, digest)
    assert error.value.details == (f"it is one image ({digest}), expected an index of linux/amd64, linux/arm64",)
