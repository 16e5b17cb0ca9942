from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from farm.build import layout
from farm.errors import JoinFailedError
from farm.platforms import parse

ARM64, ARM_V7 = parse("linux/arm64"), parse("linux/arm/v7")
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Store:
    """The blobs of a node's layout."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def put(self, document: Any, **more: Any) -> dict[str, Any]:
        raw = json.dumps(document).encode()
        digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
        self.blobs[digest] = raw
        return {"mediaType": MANIFEST, "digest": digest, "size": len(raw), **more}

    def image(self, name: str, **platform: str) -> dict[str, Any]:
        config, layers = self.put({"config": name}), [self.put("shared"), self.put(name)]
        return self.put({"config": config, "layers": layers}, platform={"os": "linux", **platform})

    def attestation(self, image: dict[str, Any]) -> dict[str, Any]:
        return self.put(
            {"config": self.put({}), "layers": [self.put(f"of {image['digest']}")]},
            platform={"architecture": "unknown", "os": "unknown"},
            annotations={
                "vnd.docker.reference.type": "attestation-manifest",
                "vnd.docker.reference.digest": image["digest"],
            },
        )

    def read(self, digest: str) -> bytes:
        return self.blobs[digest]


def index_json(*lines: dict[str, Any]) -> bytes:
    return json.dumps({"schemaVersion": 2, "mediaType": layout.INDEX, "manifests": lines}).encode()


def nested(store: Store, *lines: dict[str, Any]) -> bytes:
    return index_json({**store.put({"manifests": lines}), "mediaType": layout.INDEX})


def test_a_bare_image_gives_one_line_without_the_notes_of_its_export() -> None:
    store = Store()
    image = store.image("a", architecture="arm64")
    found = layout.images(index_json({**image, "annotations": {"created": "now"}}), store.read, ARM64)
    assert found == [image]


def test_an_image_with_attestations_gives_all_lines() -> None:
    store = Store()
    image = store.image("a", architecture="arm", variant="v7")
    said = store.attestation(image)
    assert layout.images(nested(store, image, said), store.read, ARM_V7) == [image, said]


def test_an_attestation_of_something_else_is_left_out() -> None:
    store = Store()
    image, other = store.image("a", architecture="arm64"), store.image("b", architecture="arm64")
    assert layout.images(nested(store, image, store.attestation(other)), store.read, ARM64) == [image]


def test_an_attestation_that_is_for_a_platform_is_another_image() -> None:
    store = Store()
    image = store.image("a", architecture="arm64")
    posing = {**store.attestation(image), "platform": {"os": "linux", "architecture": "amd64"}}
    with pytest.raises(JoinFailedError, match="linux/arm64, linux/amd64"):
        layout.images(index_json(image, posing), store.read, ARM64)


@pytest.mark.parametrize("architectures", [[], ["amd64"], ["arm64", "arm64"]])
def test_a_node_that_wrote_another_image_is_refused(architectures: list[str]) -> None:
    store = Store()
    images = [store.image(str(number), architecture=name) for number, name in enumerate(architectures)]
    with pytest.raises(JoinFailedError, match="linux/arm64"):
        layout.images(nested(store, *images), store.read, ARM64)


def test_every_blob_is_needed_once() -> None:
    store = Store()
    image = store.image("a", architecture="arm64")
    lines = [image, store.attestation(image), store.image("b", architecture="arm", variant="v7")]
    needed = layout.blobs(lines, store.read)
    assert needed == {digest: len(raw) for digest, raw in store.blobs.items()}


def test_the_joined_layout_is_flat_named_and_annotated() -> None:
    store = Store()
    image = store.image("a", architecture="arm64")
    said = store.attestation(image)
    joined = layout.joined(
        [image, said],
        layout.blobs([image, said], store.read),
        tags=["reg.lan:5000/app:1", "app:latest"],
        annotations=["index:i=1", "manifest-descriptor[linux/arm64]:d=2", "index-descriptor:t=3", "ignored=4"],
    )
    index = json.loads(joined.manifest)
    assert index == {
        "schemaVersion": 2,
        "mediaType": layout.INDEX,
        "manifests": [{**image, "annotations": {"d": "2"}}, said],
        "annotations": {"i": "1"},
    }
    assert joined.index_digest == f"sha256:{hashlib.sha256(joined.manifest).hexdigest()}"
    top = json.loads(joined.index_json)
    assert [line["annotations"] for line in top["manifests"]] == [
        {
            "t": "3",
            "io.containerd.image.name": "reg.lan:5000/app:1",
            "org.opencontainers.image.ref.name": "1",
        },
        {"t": "3", "io.containerd.image.name": "app:latest", "org.opencontainers.image.ref.name": "latest"},
    ]
    assert {(line["digest"], line["size"]) for line in top["manifests"]} == {
        (joined.index_digest, len(joined.manifest))
    }


def test_a_layout_without_a_name_is_called_latest_as_buildkit_does() -> None:
    store = Store()
    joined = layout.joined([store.image("a", architecture="arm64")], {}, tags=[], annotations=[])
    (line,) = json.loads(joined.index_json)["manifests"]
    assert line["annotations"] == {"org.opencontainers.image.ref.name": "latest"}
