from __future__ import annotations

import hashlib
import json

import pytest

from farm.build import metadata

INDEX = "application/vnd.oci.image.index.v1+json"


def test_what_a_node_pushed() -> None:
    text = json.dumps(
        {
            "buildx.build.ref": "a/b/c",
            "containerimage.descriptor": {"mediaType": INDEX, "digest": "sha256:1", "size": 855},
            "containerimage.digest": "sha256:2",
            "image.name": "reg/app",
        }
    )
    assert metadata.pushed(text) == "sha256:1"


def test_what_a_join_pushed() -> None:
    assert metadata.pushed('{"containerimage.digest": "sha256:1"}') == "sha256:1"


def test_a_build_without_a_push() -> None:
    assert metadata.pushed('{"buildx.build.ref": "a/b/c"}') is None


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_what_buildx_does_not_write(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own error is one, and its words are not ours
        metadata.pushed(text)


@pytest.mark.parametrize(
    "raw", ['{\n  "mediaType": "M",\n  "manifests": [\n    {}\n  ]\n}', '{"mediaType":"M","manifests":[{}]}']
)
def test_a_manifest_that_buildx_printed_among_other_words(raw: str) -> None:
    found = metadata.printed(["WARNING: old", *raw.split("\n"), "", "WARNING: {odd}"])
    assert found is not None
    assert (found.raw, found.media_type) == (raw.encode(), "M")
    assert found.digest == f"sha256:{hashlib.sha256(raw.encode()).hexdigest()}"


@pytest.mark.parametrize("lines", [[], ["WARNING: old"], ["{", '  "a": 1'], ["{odd}"]])
def test_no_manifest_was_printed(lines: list[str]) -> None:
    assert metadata.printed(lines) is None
