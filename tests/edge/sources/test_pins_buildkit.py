"""Which names BuildKit looks for, asked of a real BuildKit, buildx and registry."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from farm.platforms import Platform
from farm.registry.client import Client
from farm.sources.dockerfile import images
from farm.sources.pins import Pins, build_context, resolve
from tests.edge.registry.builder import Builder, running

AMD64 = Platform("linux", "amd64")


@pytest.fixture(scope="module")
def builder() -> Iterator[Builder]:
    with running() as found:
        yield found


async def pinned(builder: Builder, dockerfile: str) -> Pins:
    async with Client({}) as client:
        return await resolve(images(dockerfile, platforms=[AMD64], build_args={}).found, client.digest)


def options(pins: Pins) -> list[str]:
    return [word for pin in pins.pins for word in ("--build-context", build_context(pin))]


async def test_a_tag_that_moves_after_it_was_pinned_changes_nothing(builder: Builder) -> None:
    reg = builder.registry.domain
    names = ("from:1", "latest", "untagged:latest", "copied:1", "arg:2")
    for name in names:
        builder.push(name, f"before {name}")
    dockerfile = f"""ARG V=2
FROM {reg}/from:1 AS one
FROM {reg}/latest AS two
FROM {reg}/untagged:latest AS three
FROM {reg}/arg:$V AS four
FROM scratch
COPY --from=one /f /1
COPY --from=two /f /2
COPY --from=three /f /3
COPY --from=four /f /4
COPY --from={reg}/copied:1 /f /5
"""
    pins = await pinned(builder, dockerfile)
    assert (len(pins.pins), pins.warnings) == (5, ())
    for name in names:
        builder.push(name, f"after {name}")
    assert builder.files(dockerfile, *options(pins)) == {
        "1": "before from:1",
        "2": "before latest",
        "3": "before untagged:latest",
        "4": "before arg:2",
        "5": "before copied:1",
    }
    assert set(builder.files(dockerfile).values()) == {
        "after from:1",
        "after latest",
        "after untagged:latest",
        "after arg:2",
        "after copied:1",
    }


async def test_docker_hub_names_are_matched_in_their_short_form(builder: Builder) -> None:
    reg = builder.registry.domain
    builder.push("stands-in:1", "stand-in")
    async with Client({}) as client:
        [stand_in] = (
            await resolve(images(f"FROM {reg}/stands-in:1", platforms=[AMD64], build_args={}).found, client.digest)
        ).pins
    for written in ("alpine", "alpine:latest", "alpine:3.20", "docker.io/library/alpine:3.20", "me/tool:1"):
        [image] = images(f"FROM {written}", platforms=[AMD64], build_args={}).found
        value = build_context(stand_in).partition("=")[2]
        found = builder.files(f"FROM {written}", "--build-context", f"{image.context_name}={value}")
        assert found == {"f": "stand-in"}, written


async def test_why_an_image_is_not_pinned_whose_name_a_stage_bears(builder: Builder) -> None:
    reg = builder.registry.domain
    builder.push("stands-in:1", "stand-in")
    dockerfile = "FROM scratch AS alpine\nCOPY <<E /own\nmine\nE\n"
    assert builder.files(dockerfile) == {"own": "mine"}
    # BuildKit takes the pin of the image alpine for the stage alpine, and what the stage does is gone.
    assert builder.files(dockerfile, "--build-context", f"alpine=docker-image://{reg}/stands-in:1") == {"f": "stand-in"}
    result = images("FROM alpine AS alpine", platforms=[AMD64], build_args={})
    assert (result.found, len(result.unpinned)) == ((), 1)


async def test_the_frontend_is_pinned_too(builder: Builder) -> None:
    reg = builder.registry.domain
    builder.push("dockerfile:1", "no frontend at all")
    dockerfile = f"# syntax={reg}/dockerfile:1\nFROM scratch\n"
    pins = await pinned(builder, dockerfile)
    [pin] = pins.pins
    with pytest.raises(AssertionError) as error:
        builder.build(dockerfile, *options(pins))
    assert f"[context {reg}/dockerfile:1] {reg}/dockerfile:1@{pin.digest}" in str(error.value)
