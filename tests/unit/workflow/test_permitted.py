"""Registries that are only read, or only written."""

from __future__ import annotations

import pytest

from farm.errors import UsageError
from farm.inventory import Registry
from farm.platforms import Platform
from farm.registry.reference import parse
from farm.sources.dockerfile import images
from farm.workflow import permitted

REGISTRIES = {"read.lan": Registry(push=False), "write.lan": Registry(pull=False), "docker.io": Registry(pull=False)}


def refused_push(*tags: str, cache_to: tuple[str, ...] = ()) -> str:
    with pytest.raises(UsageError) as caught:
        permitted.pushes([parse(tag) for tag in tags], cache_to, REGISTRIES)
    return f"{caught.value.what} - {caught.value.fix}"


def refused_pull(dockerfile: str) -> str:
    found = images(dockerfile, platforms=[Platform("linux", "amd64")], build_args={})
    with pytest.raises(UsageError) as caught:
        permitted.pulls(found.pulled, REGISTRIES, "Dockerfile")
    return f"{caught.value.what} - {caught.value.fix}"


def test_a_tag_in_a_registry_that_is_only_read() -> None:
    assert refused_push("other.lan/app:1", "read.lan/app:1") == (
        "read.lan/app:1: nothing may be pushed to read.lan"
        " - choose another registry, or remove `push: false` of read.lan from the inventory"
    )


@pytest.mark.parametrize("cache", ["read.lan/cache", "type=registry,ref=read.lan/cache,mode=max"])
def test_a_cache_in_a_registry_that_is_only_read(cache: str) -> None:
    assert refused_push(cache_to=("type=local,dest=x", cache)).startswith("read.lan/cache: nothing may be pushed")


def test_what_is_said_of_no_registry_may_be_pushed() -> None:
    permitted.pushes([parse("write.lan/a:1"), parse("other.lan/b:1")], ["type=gha"], REGISTRIES)


@pytest.mark.parametrize(
    ("dockerfile", "image"),
    [
        ("FROM scratch\nFROM write.lan/base:1", "write.lan/base:1"),
        ("FROM read.lan/a\nFROM scratch\nCOPY --from=write.lan/b:2 / /", "write.lan/b:2"),
        (f"FROM scratch\nFROM write.lan/base@sha256:{'a' * 64}", f"write.lan/base@sha256:{'a' * 64}"),
        ("FROM scratch\nFROM alpine", "docker.io/library/alpine:latest"),
    ],
)
def test_a_base_in_a_registry_that_is_only_written(dockerfile: str, image: str) -> None:
    line = 3 if "COPY" in dockerfile else 2
    assert refused_pull(dockerfile).startswith(f"Dockerfile:{line}: {image}: nothing may be pulled from ")


def test_other_bases_may_be_pulled() -> None:
    found = images("FROM read.lan/a\nFROM other.lan/b", platforms=[Platform("linux", "amd64")], build_args={})
    permitted.pulls(found.pulled, REGISTRIES, "Dockerfile")
