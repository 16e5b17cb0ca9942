from __future__ import annotations

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
