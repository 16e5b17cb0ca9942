from __future__ import annotations

import pytest

from farm.build import annotation
from farm.errors import UsageError
from farm.platforms import parse

ARM64, AMD64 = parse("linux/arm64"), parse("linux/amd64")
VALUES = (
    "plain=1",
    "manifest:m=2",
    "index,manifest-descriptor:both=3",
    "manifest[linux/arm64]:own=4",
    "index-descriptor:d=5",
    "org.example/a:odd=6:7=8",
)


def test_annotations_of_manifests_for_the_node_that_builds_them() -> None:
    values = VALUES[:-1]
    assert annotation.of_manifests(values, [AMD64]) == ("manifest:plain=1", "manifest:m=2")
    assert annotation.of_manifests(values, [ARM64])[-1] == "manifest[linux/arm64]:own=4"


def test_annotations_of_an_index_that_is_written_over_digests() -> None:
    assert annotation.of_index(VALUES[:-1]) == ("index:both=3", "manifest-descriptor:both=3")


def test_a_value_may_hold_what_stands_for_something_in_a_key() -> None:
    (found,) = annotation.parse(["a=b:c=d"])
    assert (found.type, found.key, found.value) == ("manifest", "a", "b:c=d")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("a", "it has no ="),
        ("image:a=b", "'image' is none of manifest, manifest-descriptor, index, index-descriptor"),
        (VALUES[-1], "'org.example/a' is none of"),
        ("manifest[windows]:a=b", "lacks an architecture"),
        ("manifest[:a=b", "'manifest[' is none of"),
        (",index:a=b", "'' is none of"),
    ],
)
def test_what_buildx_would_refuse_is_refused_before_anything_runs(value: str, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        annotation.parse([value])
    assert reason in caught.value.what
    assert caught.value.fix
