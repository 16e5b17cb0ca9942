"""A target's image as the context of another one, on real BuildKits that do not share a cache."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from farm.build import linked
from farm.build.platform_build import Place
from farm.errors import BuildFailedError
from farm.registry.reference import Reference, parse
from farm.sources.spec import Output, Spec
from tests.edge.build.small_farm import AMD64, ARM64, ARM_V7, Board, Run, board
from tests.edge.registry import docker_registry

# An address that is this machine's own and not a loopback one, for which alone BuildKit takes plain HTTP unasked.
ADDRESS = "192.0.2.61"
DEPENDENCY = 'FROM BASE\nARG TARGETPLATFORM\nRUN echo "$TARGETPLATFORM $(date +%N)" > /made\n'
DEPENDENT = "FROM app-base\nRUN --network=none cat /made > /out\n"


@pytest.fixture(scope="module")
def another() -> Iterator[Board]:
    """A node that has never seen a dependency's build."""
    with board("far") as far:
        yield far


@pytest.fixture
def address() -> Iterator[str]:
    place = (f"{ADDRESS}/32", "dev", "lo")
    subprocess.run(["ip", "address", "add", *place], check=True)
    yield ADDRESS
    subprocess.run(["ip", "address", "del", *place], check=True)


def target(run: Run, name: str, dockerfile: str, *, tag: str | None = None, **more: Any) -> tuple[Spec, Place]:
    """A target with a context and a repository of its own."""
    folder = run.folder / name
    folder.mkdir()
    (folder / "Dockerfile").write_text(dockerfile.replace("BASE", run.farm.base))
    output = more.pop("output", Output(type="registry" if tag else "cacheonly"))
    spec = Spec(context=str(folder), tags=(f"{tag}:1",) if tag else (), output=output, **more)
    return spec, replace(run.place(f"config-{name}"), context=str(folder), repositories=(tag,) if tag else ())


def layers(run: Run, repository: str, pushed: str | None) -> dict[str, list[str]]:
    """The layers of each image that a node pushed, the lowest first, by its digest."""
    assert pushed
    inside = replace(run, repository=repository)
    return {
        digest: [layer["digest"] for layer in inside.manifest(digest)["layers"]]
        for digest in inside.images(pushed).values()
    }


def pushed_image(run: Run, repository: str, pushed: str | None) -> str:
    (digest,) = layers(run, repository, pushed)
    return digest


async def test_a_pushed_image_is_taken_from_the_registry_by_any_node(run: Run, another: Board) -> None:
    base = f"{run.repository}/base"
    spec, place = target(run, "base", DEPENDENCY, tag=base)
    images = {}
    for platform in (ARM64, ARM_V7):
        tried = await run.build(spec, place, run.farm.pi, platform)
        images[platform] = pushed_image(run, base, tried.pushed)
    assert images[ARM64] != images[ARM_V7]
    for platform, on in ((ARM64, run.farm.pi), (ARM_V7, another)):
        context = linked.in_registry(parse(f"{base}:1"), images[platform])
        assert context == f"docker-image://{base}@{images[platform]}"
        await built_on_top(run, f"app-{platform.slug}", context, platform, on, images[platform], base)


async def built_on_top(
    run: Run, name: str, context: str, platform: Any, on: Board, image: str, repository: str
) -> None:
    """Build a dependent and see that its layers are those of the image, then its own."""
    app = f"{run.repository}/{name}"
    spec, place = target(run, name, DEPENDENT, tag=app, build_contexts=("app-base=target:base",))
    tried = await run.build(linked.resolved(spec, {"base": context}), place, on, platform)
    assert tried.evidence is None, tried.evidence
    ((digest, found),) = layers(run, app, tried.pushed).items()
    below = [layer["digest"] for layer in replace(run, repository=repository).manifest(image)["layers"]]
    assert found[:-1] == below
    assert digest != image
    assert list(replace(run, repository=app).images(str(tried.pushed))) == [str(platform)]


@pytest.mark.parametrize("output", ["cacheonly", "local", "oci"])
async def test_an_image_that_is_not_pushed_is_served_from_here(
    run: Run, another: Board, tmp_path: Path, output: Any
) -> None:
    dest = None if output == "cacheonly" else "unused"
    spec, place = target(run, "base", DEPENDENCY, output=Output(type=output, dest=dest))
    collect, layouts = tmp_path / "collected", tmp_path / "layouts"
    place = replace(place, layouts=layouts, collect=None if output == "cacheonly" else collect)
    for platform, on in ((ARM64, run.farm.pi), (ARM_V7, another)):
        tried = await run.build(spec, place, run.farm.pi, platform)
        assert tried.evidence is None, tried.evidence
        if output == "local":
            assert (collect / platform.slug / "made").read_text().startswith(f"{platform} ")
        if output != "cacheonly":
            shutil.rmtree(collect / platform.slug)
        folder = linked.layout_folder(layouts, platform)
        context = await linked.in_layout(folder, platform)
        image = context.rpartition("@")[2]
        manifest = json.loads((folder / "blobs" / image.replace(":", "/")).read_bytes())
        app = f"{run.repository}/app-{platform.slug}"
        wanted, at = target(run, f"app-{platform.slug}", DEPENDENT, tag=app, build_contexts=("app-base=target:base",))
        tried = await run.build(linked.resolved(wanted, {"base": context}), at, on, platform)
        assert tried.evidence is None, tried.evidence
        ((_, found),) = layers(run, app, tried.pushed).items()
        assert found[:-1] == [layer["digest"] for layer in manifest["layers"]]


async def test_one_image_for_all_platforms_to_copy_from(run: Run, another: Board) -> None:
    page = f"{run.repository}/page"
    spec, place = target(run, "page", DEPENDENCY, tag=page)
    tried = await run.build(spec, place, run.farm.z, AMD64)
    image = pushed_image(run, page, tried.pushed)
    assert linked.platform_for(ARM64, [AMD64]) == AMD64
    context = linked.in_registry(parse(page), image)
    copying = "FROM BASE\nCOPY --from=page /made /page\nRUN --network=none cat /page\n"
    wanted, at = target(run, "app", copying, tag=f"{run.repository}/app", build_contexts=("page=target:page",))
    tried = await run.build(linked.resolved(wanted, {"page": context}), at, another, ARM64)
    assert tried.evidence is None, tried.evidence
    assert "linux/amd64 " in (run.logs / f"{ARM64.slug}.log").read_text()


async def test_a_registry_with_plain_http_that_no_node_may_pull_from(run: Run, another: Board, address: str) -> None:
    registry = docker_registry.start(run.folder / "plain", address=address)
    try:
        base = f"{registry.domain}/base"
        spec, place = target(run, "base", DEPENDENCY, tag=base)
        place = replace(place, insecure=True, layouts=run.folder / "layouts")
        tried = await run.build(spec, place, run.farm.pi, ARM64)
        assert tried.evidence is None, tried.evidence
        inside = replace(run, farm=replace(run.farm, registry=registry), repository=base)
        image = pushed_image(inside, base, tried.pushed)
        # What is pushed and what is kept are the same image.
        context = await linked.in_layout(linked.layout_folder(run.folder / "layouts", ARM64), ARM64, pushed=image)
        assert context.endswith(f"@{image}")
        app, at = target(run, "app", DEPENDENT, build_contexts=("app-base=target:base",))
        direct = linked.resolved(app, {"base": linked.in_registry(parse(base), image)})
        assert (await run.build(direct, at, another, ARM64)).evidence is not None
        assert (await run.build(linked.resolved(app, {"base": context}), at, another, ARM64)).evidence is None
    finally:
        registry.stop()


async def test_a_private_registry_gets_the_coordinators_login(run: Run, another: Board) -> None:
    users = run.folder / "users"
    users.write_text(f"me:{bcrypt.hashpw(b'secret', bcrypt.gensalt(4)).decode()}\n")
    registry = docker_registry.start(run.folder / "private", auth=f"{{htpasswd: {{realm: r, path: '{users}'}}}}")
    login = base64.b64encode(b"me:secret").decode()
    (run.folder / ".docker").mkdir()
    config = run.folder / ".docker" / "config.json"
    config.write_text(json.dumps({"auths": {registry.domain: {"auth": login}}}))
    try:
        base = f"{registry.domain}/base"
        spec, place = target(run, "base", DEPENDENCY, tag=base)
        tried = await run.build(spec, place, run.farm.pi, ARM64)
        assert tried.evidence is None, tried.evidence
        assert tried.pushed
        context = linked.in_registry(Reference(domain=registry.domain, path="base"), tried.pushed)
        app, at = target(run, "app", DEPENDENT, build_contexts=("app-base=target:base",))
        app = linked.resolved(app, {"base": context})
        config.unlink()
        assert (await run.build(app, at, another, ARM64)).evidence is not None
        config.write_text(json.dumps({"auths": {registry.domain: {"auth": login}}}))
        assert (await run.build(app, at, another, ARM64)).evidence is None
    finally:
        registry.stop()


async def test_a_layout_that_is_not_whole(run: Run, tmp_path: Path) -> None:
    spec, place = target(run, "base", DEPENDENCY)
    place = replace(place, layouts=tmp_path / "layouts")
    assert (await run.build(spec, place, run.farm.pi, ARM64)).evidence is None
    folder = linked.layout_folder(tmp_path / "layouts", ARM64)
    largest = max((folder / "blobs" / "sha256").iterdir(), key=lambda blob: blob.stat().st_size)
    largest.write_bytes(b"half")
    with pytest.raises(BuildFailedError, match=r"the image that others need is not whole: sha256:.* has not"):
        await linked.in_layout(folder, ARM64)
    with pytest.raises(BuildFailedError, match=r"linux/amd64: .* holds other images: linux/arm64"):
        await linked.in_layout(folder, AMD64)
    shutil.rmtree(folder)
    with pytest.raises(BuildFailedError, match="not whole"):
        await linked.in_layout(folder, ARM64)
