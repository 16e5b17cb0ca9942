"""The same commit gives the same image: on another board, at another time, and when the boards join it."""

from __future__ import annotations

import asyncio
import json
import os
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from farm.build import join, locate
from farm.build.join import Builder, Joined
from farm.inventory.images import Image
from farm.sources import dockerfile, resolve
from farm.sources.described import OF_A_DIRECTORY, described, named
from farm.sources.origin import Origin
from farm.sources.spec import Spec
from farm.workflow import prepare
from tests.edge.build.small_farm import AMD64, ARM64, Board, Run
from tests.edge.registry import docker_registry
from tests.edge.sources.repository import Daemon, Repository

SECONDS = 1714979289
ORIGIN = Origin(title="app", source="https://git.lan/app", revision="1" * 40, version="1.2.3")
APP = """\
FROM BASE
ARG VERSION
COPY hello /hello
RUN echo "$VERSION" > /version; cat /hello > /made
"""


def told(spec: Spec, origin: Origin = ORIGIN, committed: int | None = SECONDS) -> Spec:
    """As the spec of an image of the inventory is."""
    return described(named(spec, origin), origin, declared=("VERSION",), committed=committed)


async def image(run: Run, spec: Spec, on: Board, name: str) -> str:
    """The digest of the image that a board makes and pushes; its platform is the same on each."""
    tried = await run.build(spec, run.place(name), on, AMD64)
    assert tried.evidence is None
    assert tried.pushed is not None
    return run.images(tried.pushed)["linux/amd64"]


async def on_each(run: Run, spec: Spec) -> list[str]:
    """The image as each board makes it. They share no cache, and between them the clock and the files' times go on."""
    first = await image(run, spec, run.farm.pi, "one")
    await asyncio.sleep(1.1)
    os.utime(run.context / "hello")
    return [first, await image(run, spec, run.farm.z, "two")]


def config(run: Run, digest: str) -> dict[str, Any]:
    """The config of an image, with the digests of its layers as `layers`."""
    manifest = run.manifest(digest)
    place = f"{run.farm.registry.url}/v2/{run.repository.partition('/')[2]}/blobs/{manifest['config']['digest']}"
    with urllib.request.urlopen(place, timeout=10) as answer:
        return {**json.loads(answer.read()), "layers": [layer["digest"] for layer in manifest["layers"]]}


async def test_two_boards_make_the_same_image_of_a_commit(run: Run) -> None:
    run.write(APP, hello="same")
    first, second = await on_each(run, told(run.spec()))
    assert first == second
    found = config(run, first)
    assert found["created"] == "2024-05-06T07:08:09Z"
    assert found["config"]["Labels"] == {
        "org.opencontainers.image.title": "app",
        "org.opencontainers.image.source": "https://git.lan/app",
        "org.opencontainers.image.revision": "1" * 40,
        "org.opencontainers.image.version": "1.2.3",
        "org.opencontainers.image.created": "2024-05-06T07:08:09Z",
    }


async def test_two_runs_make_the_same_image_of_a_tag(run: Run, tmp_path: Path) -> None:
    """From the inventory's entry on: each run asks git, fetches and builds for itself, on a board of its own."""
    repository = Repository(tmp_path / "served" / "app")
    commit = repository.commit(Dockerfile=APP.replace("BASE", run.farm.base), hello="tag")
    repository.git("tag", "v1.2.3")
    server = Daemon(tmp_path / "served", docker_registry.free_port())
    entry = Image(name="app", context=f"{server.url}/app", references=(run.repository,), refs=("v*",))
    found = []
    try:
        for day, board in ((24, run.farm.pi), (25, run.farm.z)):
            now = datetime(2026, 11, day, tzinfo=UTC)
            [target] = (await resolve.targets({"app": entry}, now=now)).targets
            source = await prepare.fetch(target.spec, tmp_path / f"source-{day}", lambda _event: None)
            declared = dockerfile.declared(source.context.text)
            spec = described(target.spec, target.origin, declared=declared, committed=source.committed)
            here = replace(run.place(str(day)), context=str(source.context.directory))
            tried = await run.build(spec, here, board, AMD64)
            assert tried.pushed is not None, tried
            found.append(run.images(tried.pushed)["linux/amd64"])
            repository.commit(hello="the branch goes on")
            await asyncio.sleep(1.1)
    finally:
        server.stop()
    assert found[0] == found[1]
    made = config(run, found[0])
    assert made["created"] == "2024-05-06T07:08:09Z"
    labels = {name.rpartition(".")[2]: value for name, value in made["config"]["Labels"].items()}
    assert labels == {
        "title": "app",
        "source": f"{server.url}/app",
        "revision": commit,
        "version": "1.2.3",
        "created": "2024-05-06T07:08:09Z",
    }


@pytest.mark.parametrize("is_told", [False, True])
async def test_without_the_commits_time_they_do_not(run: Run, is_told: bool) -> None:
    """A user who wants the real times says so with an empty SOURCE_DATE_EPOCH."""
    run.write(APP, hello=f"other {is_told}")
    spec = told(run.spec(build_args=("SOURCE_DATE_EPOCH=",))) if is_told else run.spec()
    assert len(set(await on_each(run, spec))) == 2


async def test_two_boards_make_the_same_image_of_a_directory(run: Run) -> None:
    run.write(APP, hello="directory")
    first, second = await on_each(run, told(run.spec(), Origin(title="app"), None))
    assert first == second
    assert config(run, first)["created"] == "1980-01-01T00:00:00Z"
    assert OF_A_DIRECTORY == 315532800


async def test_the_layers_of_the_base_stay_what_they_are(run: Run) -> None:
    """Rewritten, each image would have its own copy of them."""
    run.write(APP, hello="base")
    run.write("FROM BASE\n")
    [plain] = config(run, await image(run, run.spec(), run.farm.pi, "plain"))["layers"]
    run.write(APP, hello="base")
    layers = config(run, await image(run, told(run.spec()), run.farm.pi, "told"))["layers"]
    assert (layers[0], len(layers)) == (plain, 3)


@pytest.mark.parametrize("provenance", [None, "false"])
async def test_the_join_makes_the_same_images_once_more(run: Run, provenance: str | None) -> None:
    run.write(APP, hello=f"join {provenance}")
    spec, place = told(run.spec(provenance=provenance, platforms=(ARM64, AMD64))), run.place()
    parts = ((run.farm.pi, ARM64), (run.farm.z, AMD64))
    tries = [await run.build(spec, place, on, platform) for on, platform in parts]
    pushed = {}
    for (_, platform), tried in zip(parts, tries, strict=True):
        assert tried.pushed is not None
        is_index = "manifests" in run.manifest(tried.pushed)
        pushed[str(platform)] = run.images(tried.pushed)[str(platform)] if is_index else tried.pushed
    winners = [(on, [platform]) for on, platform in parts]
    log = run.logs / "join.log"
    builder = await join.make_builder(locate.buildx(), config=place.config, winners=winners, log=log)
    assert isinstance(builder, Builder)
    joined = await join.join(locate.buildx(), spec, place, builder=builder, platforms=[ARM64, AMD64], log=log)
    assert isinstance(joined, Joined), joined
    assert joined.reran == ()
    assert run.images(joined.index_digest) == pushed
    index = run.manifest(joined.index_digest)
    assert index["annotations"]["org.opencontainers.image.revision"] == "1" * 40
    assert run.manifest(pushed["linux/amd64"])["annotations"]["org.opencontainers.image.version"] == "1.2.3"
