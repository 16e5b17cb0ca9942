from __future__ import annotations

import pytest

from farm.errors import RefusedError, UnreachableError, UsageError
from farm.platforms import Platform
from farm.registry.reference import Reference, parse
from farm.sources.dockerfile import BaseImage, images
from farm.sources.pins import Pin, build_context, resolve

ONE, TWO = "sha256:" + "11" * 32, "sha256:" + "22" * 32


def bases(text: str) -> tuple[BaseImage, ...]:
    return images(text, platforms=(Platform("linux", "amd64"),), build_args={}).found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("alpine", f"alpine=docker-image://docker.io/library/alpine:latest@{ONE}"),
        ("alpine:3.20", f"alpine:3.20=docker-image://docker.io/library/alpine:3.20@{ONE}"),
        ("reg:5000/base:1", f"reg:5000/base:1=docker-image://reg:5000/base:1@{ONE}"),
    ],
)
async def test_a_pin_is_a_build_context(name: str, value: str) -> None:
    async def digest_of(_: Reference) -> str | None:
        return ONE

    result = await resolve(bases(f"FROM {name}"), digest_of)
    assert [build_context(pin) for pin in result.pins] == [value]
    assert result.warnings == ()


@pytest.mark.parametrize("error", [UnreachableError("no route"), RefusedError("no login")])
async def test_a_registry_that_is_out_of_reach_gives_a_warning(error: Exception) -> None:
    async def digest_of(reference: Reference) -> str | None:
        if reference.domain == "far:1":
            raise error
        return TWO

    result = await resolve(
        bases("FROM far:1/x:1 AS a\nFROM near:1/y:1\nCOPY --from=a / /"), digest_of, "sub/Dockerfile"
    )
    assert result.pins == (Pin(name="near:1/y:1", reference=parse("near:1/y:1"), digest=TWO),)
    assert result.warnings == (
        f"sub/Dockerfile:1: far:1/x:1 is not pinned, nodes may build on different images: {error}",
    )


async def test_an_image_that_is_not_there_is_refused_with_its_line() -> None:
    async def digest_of(_: Reference) -> str | None:
        return None

    with pytest.raises(UsageError, match=r"\ADockerfile:2: docker.io/library/nosuch:9 is not in its registry"):
        await resolve(bases("\nFROM nosuch:9"), digest_of)


async def test_a_fault_of_our_own_is_not_hidden() -> None:
    async def digest_of(_: Reference) -> str | None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await resolve(bases("FROM a"), digest_of)
