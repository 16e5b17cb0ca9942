from __future__ import annotations

from typing import Any

import pytest

from farm.build import join, linked
from farm.platforms import parse
from farm.sources.spec import Output, Spec

ARM64, ARM_V7, AMD64 = parse("linux/arm64"), parse("linux/arm/v7"), parse("linux/amd64")


def test_which_targets_are_needed_and_what_takes_their_place() -> None:
    spec = Spec(context=".", build_contexts=("a=target:base", "b=/folder", "c=target:base", "d=target:x=y"))
    assert linked.links(spec) == {"a": "base", "c": "base", "d": "x=y"}
    found = linked.resolved(spec, {"base": "docker-image://r/b@sha256:1", "x=y": "oci-layout:///l@sha256:2"})
    assert found.build_contexts == (
        *("a=docker-image://r/b@sha256:1", "b=/folder"),
        *("c=docker-image://r/b@sha256:1", "d=oci-layout:///l@sha256:2"),
    )
    assert join.obstacle(spec) == "a target that it uses has another image on each platform"
    assert join.obstacle(found) is None


@pytest.mark.parametrize(
    ("built", "expected"),
    [([ARM64, AMD64], ARM64), ([ARM64], ARM64), ([AMD64], AMD64), ([AMD64, ARM_V7], None), ([], None)],
)
def test_which_platform_of_a_target_is_needed(built: list[Any], expected: Any) -> None:
    assert linked.platform_for(ARM64, built) == expected


@pytest.mark.parametrize(
    ("output", "insecure", "expected"),
    [("registry", False, False), ("registry", True, True), ("oci", False, True), ("local", False, True)],
)
def test_when_an_image_is_kept_here(output: Any, insecure: bool, expected: bool) -> None:
    assert linked.keeps_layout(Output(type=output), insecure=insecure) is expected
