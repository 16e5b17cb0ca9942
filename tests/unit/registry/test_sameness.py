"""Whether two images differ in nothing but timestamps."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from farm.errors import VerificationError
from farm.registry import sameness

MANIFEST = {
    "schemaVersion": 2,
    "config": {"digest": "sha256:c1", "size": 10},
    "layers": [{"digest": "sha256:l1", "size": 10}, {"digest": "sha256:l2", "size": 20}],
    "annotations": {"org.opencontainers.image.created": "2026-11-23T02:00:00Z", "org.example.team": "a"},
}
CONFIG = {
    "architecture": "arm64",
    "os": "linux",
    "created": "2026-11-23T02:00:00Z",
    "config": {
        "Env": ["PATH=/bin"],
        "Labels": {"org.opencontainers.image.created": "2026-11-23T02:00:00Z", "org.opencontainers.image.version": "1"},
    },
    "history": [{"created": "2026-11-23T02:00:00Z", "created_by": "RUN make"}],
    "rootfs": {"type": "layers", "diff_ids": ["sha256:d1", "sha256:d2"]},
}
LATER = "2026-11-24T02:00:00Z"


def _essence(change: Callable[[Any, Any], object] = lambda _manifest, _config: None) -> str:
    manifest, config = copy.deepcopy(MANIFEST), copy.deepcopy(CONFIG)
    change(manifest, config)
    return sameness.essence(json.dumps(manifest).encode(), json.dumps(config).encode())


@pytest.mark.parametrize(
    "change",
    [
        lambda _, config: config.update(created=LATER),
        lambda _, config: config.pop("created"),
        lambda _, config: config["history"][0].update(created=LATER),
        lambda _, config: config["config"]["Labels"].update({"org.opencontainers.image.created": LATER}),
        lambda manifest, _: manifest["annotations"].update({"org.opencontainers.image.created": LATER}),
        # Another config has another digest, and the same layers may be described in other words.
        lambda manifest, _: manifest["config"].update(digest="sha256:c2"),
        lambda manifest, _: manifest["layers"][0].update(mediaType="application/vnd.oci.image.layer.v1.tar+gzip"),
    ],
)
def test_times_are_no_difference(change: Callable[[Any, Any], object]) -> None:
    assert _essence(change) == _essence()


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest, _: manifest["layers"][1].update(digest="sha256:l3"),
        lambda manifest, _: manifest["layers"].pop(),
        lambda manifest, _: manifest["layers"].reverse(),
        lambda manifest, _: manifest["annotations"].update({"org.example.team": "b"}),
        lambda _, config: config["config"]["Labels"].update({"org.opencontainers.image.version": "2"}),
        lambda _, config: config["config"].update(Env=["PATH=/usr/bin"]),
        lambda _, config: config["config"].update(Cmd=["/app"]),
        lambda _, config: config["history"][0].update(created_by="RUN make all"),
        lambda _, config: config.update(architecture="arm"),
        lambda _, config: config["rootfs"]["diff_ids"].reverse(),
    ],
)
def test_everything_else_is_a_difference(change: Callable[[Any, Any], object]) -> None:
    assert _essence(change) != _essence()


def test_an_image_without_labels_annotations_and_history() -> None:
    plain = json.dumps({"layers": []}).encode()
    assert sameness.essence(plain, b'{"config": {}}') == sameness.essence(plain, b'{"config": {"Labels": null}}')
    assert sameness.essence(plain, b"{}") == sameness.essence(plain, b'{"history": null, "created": "2026"}')


@pytest.mark.parametrize("raw", [b"", b"[]", b"<html>", b"\xff"])
def test_what_is_no_image(raw: bytes) -> None:
    with pytest.raises(VerificationError):
        sameness.essence(b"{}", raw)
    with pytest.raises(VerificationError):
        sameness.essence(raw, b"{}")


def test_annotations_of_an_index() -> None:
    def told(**annotations: str) -> str:
        return sameness.of_index(json.dumps({"manifests": [], "annotations": annotations}).encode())

    assert told() == sameness.of_index(b"{}")
    assert told(**{"org.opencontainers.image.created": LATER}) == told()
    assert told(**{"farm.missing-platforms": "linux/arm/v7"}) != told()
