from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from farm.build import join, locate
from farm.build.failures import Kind
from farm.build.join import UNVERIFIED, Builder, Joined, NotJoined
from farm.build.platform_build import Place, Try
from farm.platforms import Platform
from farm.registry.client import Client, Manifest
from farm.registry.reference import parse
from farm.sources.spec import Spec
from tests.edge.build.small_farm import AMD64, ARM64, ARM_V7, Board, Run, board

STEPS = """\
FROM BASE AS build
ARG TARGETPLATFORM
COPY source /source
RUN echo "$TARGETPLATFORM $(date +%N)" > /made
RUN --network=none cat /source /made > /out
FROM BASE
COPY --from=build /out /out
"""
ANNOTATIONS = ("plain=1", "index,manifest:both=2", "manifest-descriptor:d=3", "manifest[linux/arm64]:own=4")
PLATFORMS = [ARM64, ARM_V7, AMD64]


async def build_all(run: Run, spec: Spec, place: Place) -> dict[Platform, Try]:
    farm = run.farm
    places = [(farm.pi, ARM64), (farm.pi, ARM_V7), (farm.z, AMD64)]
    tries = await asyncio.gather(*(run.build(spec, place, on, platform) for on, platform in places))
    assert [tried.evidence for tried in tries] == [None, None, None]
    return dict(zip(PLATFORMS, tries, strict=True))


async def join_all(
    run: Run, spec: Spec, place: Place, winners: Sequence[tuple[Board, Sequence[Platform]]] = ()
) -> Joined:
    result = await try_join(run, spec, place, winners or [(run.farm.pi, [ARM64, ARM_V7]), (run.farm.z, [AMD64])])
    assert isinstance(result, Joined), result
    return result


async def try_join(
    run: Run, spec: Spec, place: Place, winners: Sequence[tuple[Board, Sequence[Platform]]]
) -> Joined | NotJoined:
    buildx, log = locate.buildx(), run.logs / "join.log"
    builder = await join.make_builder(buildx, config=place.config, winners=winners, log=log)
    assert isinstance(builder, Builder), builder
    platforms = [platform for _, built in winners for platform in built]
    return await join.join(buildx, spec, place, builder=builder, platforms=platforms, log=log)


def built_images(run: Run, tries: dict[Platform, Try]) -> dict[str, str]:
    """Platform and digest of each image as its node pushed it."""
    found: dict[str, str] = {}
    for platform, tried in tries.items():
        assert tried.pushed is not None
        document = run.manifest(tried.pushed)
        found |= run.images(tried.pushed) if "manifests" in document else {str(platform): tried.pushed}
    return found


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"no_cache": True, "pull": True},
        {"provenance": "false"},
        {"provenance": "mode=max"},
        {"labels": ("a=b",), "target": "build", "shm_size": "32m", "ulimits": ("nofile=512",)},
        {"annotations": ANNOTATIONS},
        {"provenance": "false", "annotations": ("index:i=1", "manifest:m=2")},
        {"build_args": ("UNUSED=1",), "add_hosts": ("db:10.0.0.2",), "network": "none"},
    ],
    ids=lambda options: "-".join(options) or "plain",
)
async def test_the_join_runs_no_step_and_holds_what_the_nodes_built(run: Run, options: dict[str, object]) -> None:
    run.write(STEPS, source=str(options))
    spec = run.spec(tags=(f"{run.repository}:1", f"{run.repository}:latest"), **options)
    place = run.place()
    tries = await build_all(run, spec, place)
    joined = await join_all(run, spec, place)
    assert joined.reran == ()
    assert run.images(UNVERIFIED) == built_images(run, tries)
    index = run.manifest(joined.index_digest)
    assert index == run.manifest(UNVERIFIED)
    assert run.tags() == [UNVERIFIED]
    attested = [line for line in index["manifests"] if line["platform"]["os"] == "unknown"]
    assert len(attested) == (0 if options.get("provenance") == "false" else 3)


@pytest.mark.parametrize("options", [{"cache_to": ("type=inline",)}, {"build_args": ("BUILDKIT_INLINE_CACHE=1",)}])
async def test_an_inline_cache_is_why_digests_must_be_joined(run: Run, options: dict[str, object]) -> None:
    run.write(STEPS, source=f"inline {options}")
    spec, place = run.spec(**options), run.place()
    tries = await build_all(run, spec, place)
    await join_all(run, spec, place)
    assert run.images(UNVERIFIED) != built_images(run, tries)
    assert join.obstacle(spec)


async def test_annotations_stand_where_they_belong(run: Run) -> None:
    run.write(STEPS, source="annotated")
    spec = run.spec(
        annotations=("plain=1", "index,manifest:both=2", "manifest-descriptor:d=3", "manifest[linux/arm64]:own=4")
    )
    place = run.place()
    await build_all(run, spec, place)
    await join_all(run, spec, place)
    index = run.manifest(UNVERIFIED)
    assert index["annotations"] == {"both": "2"}
    images = run.images(UNVERIFIED)
    found = {name: run.manifest(digest)["annotations"] for name, digest in images.items()}
    assert found == {
        "linux/arm64": {"plain": "1", "both": "2", "own": "4"},
        "linux/arm/v7": {"plain": "1", "both": "2"},
        "linux/amd64": {"plain": "1", "both": "2"},
    }
    lines = {line["digest"]: line.get("annotations") for line in index["manifests"]}
    assert [lines[digest] for digest in images.values()] == [{"d": "3"}] * 3


async def test_a_join_that_had_to_build_says_which_steps(run: Run) -> None:
    run.write(STEPS, source="not built before")
    joined = await join_all(run, run.spec(), run.place())
    assert sorted(name[:30] for name in joined.reran) == [
        "[linux/amd64 build 3/4] RUN ec",
        "[linux/amd64 build 4/4] RUN --",
        "[linux/arm/v7 build 3/4] RUN e",
        "[linux/arm/v7 build 4/4] RUN -",
        "[linux/arm64 build 3/4] RUN ec",
        "[linux/arm64 build 4/4] RUN --",
    ]


async def test_one_platform_on_one_node_is_pushed_too(run: Run) -> None:
    run.write(STEPS, source="alone")
    spec, place = run.spec(), run.place()
    tried = await run.build(spec, place, run.farm.z, AMD64)
    joined = await join_all(run, spec, place, [(run.farm.z, [AMD64])])
    assert joined.reran == ()
    assert run.images(UNVERIFIED) == built_images(run, {AMD64: tried})
    assert run.tags() == [UNVERIFIED]


async def index_over(run: Run, spec: Spec, digests: Sequence[str]) -> Manifest | NotJoined:
    return await join.index_over(
        locate.buildx(),
        spec,
        config=run.place().config,
        repository=run.repository,
        digests=digests,
        plain_http=[run.farm.registry.domain],
        log=run.logs / "join.log",
    )


async def put(run: Run, found: Manifest) -> None:
    async with Client({}) as client:
        await client.put_manifest(parse(f"{run.repository}@{found.digest}"), found.raw, found.media_type)


async def test_digests_are_joined_without_any_node_and_without_a_tag(run: Run) -> None:
    run.write(STEPS, source="by digest")
    spec = run.spec(annotations=("index:i=1", "manifest-descriptor:d=2", "plain=3"), tags=(f"{run.repository}:a",))
    tries = await build_all(run, spec, run.place())
    found = await index_over(run, spec, [tried.pushed for tried in tries.values() if tried.pushed])
    assert isinstance(found, Manifest), found
    await put(run, found)
    assert run.images(found.digest) == built_images(run, tries)
    index = run.manifest(found.digest)
    assert index["annotations"] == {"i": "1"}
    assert len(index["manifests"]) == 6
    assert run.tags() == []


@pytest.mark.parametrize("provenance", ["false", None], ids=["a bare image", "an index of its own"])
async def test_one_platform_is_joined_by_digest_too(run: Run, provenance: str | None) -> None:
    run.write(STEPS, source=f"one by digest {provenance}")
    spec = run.spec(provenance=provenance)
    tried = await run.build(spec, run.place(), run.farm.z, AMD64)
    assert tried.pushed is not None
    found = await index_over(run, spec, [tried.pushed])
    assert isinstance(found, Manifest), found
    await put(run, found)
    assert run.images(found.digest) == built_images(run, {AMD64: tried})
    assert (found.digest == tried.pushed) is (provenance is None)


async def test_a_digest_that_is_not_there_is_refused(run: Run) -> None:
    result = await index_over(run, run.spec(), [f"sha256:{'0' * 64}"])
    assert isinstance(result, NotJoined)
    assert result.diagnosis.kind is Kind.REFUSED
    assert "not found" in result.diagnosis.reason


async def test_a_registry_that_is_gone_is_told_as_such(run: Run) -> None:
    run.write(STEPS, source="no registry")
    place = replace(run.place(), repositories=("127.0.0.1:1/x",))
    result = await try_join(run, run.spec(), place, [(run.farm.pi, [ARM64]), (run.farm.z, [AMD64])])
    assert isinstance(result, NotJoined)
    assert result.diagnosis.kind is Kind.TRANSIENT
    assert "127.0.0.1:1" in result.diagnosis.reason


async def test_each_platform_has_its_own_cache_in_the_registry(run: Run) -> None:
    run.write(STEPS, source="cached elsewhere")
    cache = f"{run.repository}:cache"
    spec = run.spec(cache_to=(f"type=registry,ref={cache},mode=max",), cache_from=(f"type=registry,ref={cache}",))
    await build_all(run, spec, run.place())
    with board("fresh") as fresh:
        tried = await run.build(replace(spec, cache_to=()), run.place("other"), fresh, ARM_V7)
    assert tried.evidence is None
    assert (tried.cached, tried.total) == (4, 4)


async def test_a_builder_that_cannot_be_made_leaves_nothing_behind(run: Run, tmp_path: Path) -> None:
    place = run.place()
    twice = [(run.farm.pi, [ARM64]), (run.farm.pi, [ARM_V7])]
    result = await join.make_builder(locate.buildx(), config=place.config, winners=twice, log=run.logs / "join.log")
    assert isinstance(result, NotJoined)
    assert "duplicate endpoint" in result.diagnosis.reason
    assert not list((place.config / "instances").iterdir())
