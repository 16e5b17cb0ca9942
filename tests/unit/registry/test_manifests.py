from __future__ import annotations

import json
from typing import Any

import pytest

from farm.errors import VerificationError
from farm.platforms import Platform
from farm.registry import manifests

AMD64 = Platform("linux", "amd64")
ARM = Platform("linux", "arm", "v7")
IMAGE = "sha256:" + "11" * 32
OTHER = "sha256:" + "22" * 32
ATTESTATION = "sha256:" + "33" * 32


def entry(digest: str, platform: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"mediaType": manifests.OCI_MANIFEST, "digest": digest, "size": 480, "platform": platform, **more}


def index(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"schemaVersion": 2, "mediaType": manifests.OCI_INDEX, "manifests": entries}).encode()


def attestation(digest: str, of: str) -> dict[str, Any]:
    annotations = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": of}
    return entry(digest, {"os": "unknown", "architecture": "unknown"}, annotations=annotations)


# What buildx 0.38 pushes for one platform: the image and its provenance.
SMALL = index(entry(IMAGE, {"os": "linux", "architecture": "amd64"}), attestation(ATTESTATION, IMAGE))


def test_entries_are_images_and_attestations() -> None:
    image, proof = manifests.entries(SMALL)
    assert (image.digest, image.size, image.platform, image.attestation_for) == (IMAGE, 480, AMD64, None)
    assert (proof.digest, proof.attestation_for) == (ATTESTATION, IMAGE)
    assert str(proof.platform) == "unknown/unknown"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"os": "linux", "architecture": "arm64", "variant": "v8"}, "linux/arm64"),
        ({"os": "linux", "architecture": "arm"}, "linux/arm/v7"),
        ({"os": "linux", "architecture": "arm", "variant": "v6"}, "linux/arm/v6"),
        ({"os": "windows", "architecture": "amd64"}, "windows/amd64"),
        ({"os": "linux", "architecture": "pdp11"}, "linux/pdp11"),
        ({}, ""),
    ],
)
def test_platforms_are_in_normal_form_or_as_written(written: dict[str, str], read: str) -> None:
    assert str(manifests.entries(index(entry(IMAGE, written)))[0].platform) == read


def test_the_inner_image_of_a_small_index() -> None:
    assert manifests.image_entry(SMALL, AMD64).digest == IMAGE


def test_a_bare_manifest_is_its_own_inner_image() -> None:
    raw = json.dumps({"schemaVersion": 2, "config": {}, "layers": []}).encode()
    found = manifests.image_entry(raw, ARM)
    assert (found.digest, found.size, found.platform) == (manifests.digest_of(raw), len(raw), ARM)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (SMALL, "linux/arm/v7: the pushed index holds linux/amd64,"),
        (index(attestation(ATTESTATION, IMAGE)), "no image at all"),
        (
            index(
                entry(IMAGE, {"os": "linux", "architecture": "arm"}),
                entry(OTHER, {"os": "linux", "architecture": "arm"}),
            ),
            "linux/arm/v7, linux/arm/v7",
        ),
    ],
)
def test_another_platform_or_two_of_the_same_are_refused(raw: bytes, words: str) -> None:
    with pytest.raises(VerificationError, match=words):
        manifests.image_entry(raw, ARM)


def test_an_image_has_a_config_and_layers() -> None:
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": OTHER, "size": 9}
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": IMAGE, "size": 7}
    image = manifests.image(json.dumps({"config": config, "layers": [layer]}).encode())
    assert (image.config.digest, [item.digest for item in image.layers]) == (IMAGE, [OTHER])


def test_a_config_says_platform_and_program() -> None:
    raw = {
        "os": "linux",
        "architecture": "arm",
        "variant": "v7",
        "config": {
            "Entrypoint": ["/app"],
            "Cmd": ["--help"],
            "Env": ["A=b", "PATH=/opt/bin:/bin"],
            "WorkingDir": "/srv",
        },
    }
    config = manifests.config(json.dumps(raw).encode())
    assert config.platform == ARM
    assert (config.program, config.path, config.directory) == (("/app", "--help"), ("/opt/bin", "/bin"), "/srv")


@pytest.mark.parametrize("inner", [None, {}, {"Entrypoint": None, "Cmd": None, "Env": None}, {"Cmd": "sh"}])
def test_a_config_may_start_nothing(inner: object) -> None:
    config = manifests.config(json.dumps({"os": "linux", "architecture": "amd64", "config": inner}).encode())
    assert (config.program, config.path, config.directory) == ((), (), "/")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>",
        b"[]",
        b"\xff\xfe",
        b"{}",
        b'{"manifests": 1}',
        b'{"manifests": [1]}',
        b'{"manifests": [{}]}',
        b'{"manifests": [{"digest": 1, "size": 1}]}',
        b'{"manifests": [{"digest": "a", "size": "1"}]}',
        b"[" * 1_000_000,
    ],
)
def test_what_is_no_index_is_a_verification_error(raw: bytes) -> None:
    with pytest.raises(VerificationError, match="registry"):
        manifests.entries(raw)


@pytest.mark.parametrize("raw", [b"{}", b'{"config": [], "layers": []}', b'{"config": {"digest": "a", "size": 1}}'])
def test_what_is_no_image_is_a_verification_error(raw: bytes) -> None:
    with pytest.raises(VerificationError, match="registry"):
        manifests.image(raw)


def test_what_calls_itself_an_attestation_for_a_platform_is_an_image() -> None:
    """Clients choose by the platform alone, and would run it."""
    posing = attestation(OTHER, IMAGE) | {"platform": {"os": "linux", "architecture": "arm", "variant": "v7"}}
    assert [found.attestation_for for found in manifests.entries(index(posing))] == [None]
    with pytest.raises(VerificationError, match="linux/arm/v7, linux/arm/v7"):
        manifests.image_entry(index(entry(IMAGE, {"os": "linux", "architecture": "arm"}), posing), ARM)


@pytest.mark.parametrize("odd", [[1], "x", 7, None])
def test_words_that_are_no_mapping_say_nothing(odd: object) -> None:
    line = {"digest": IMAGE, "size": 1, "annotations": odd, "platform": odd}
    (found,) = manifests.entries(json.dumps({"manifests": [line]}).encode())
    assert (str(found.platform), found.attestation_for) == ("", None)
