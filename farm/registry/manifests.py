"""What a registry keeps, read into values: an index, an image manifest, an image's config.

Sources: the OCI image specification (image-index.md, manifest.md, config.md), Docker's manifest v2 schema 2, and for
attestations BuildKit's docs/attestations/attestation-storage.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from farm import platforms
from farm.errors import VerificationError
from farm.platforms import Platform

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
MEDIA_TYPES = (OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST)
_REFERENCE_TYPE = "vnd.docker.reference.type"
_REFERENCE_DIGEST = "vnd.docker.reference.digest"
_NOBODYS = Platform("unknown", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """A pointer to content: `size` in bytes."""

    digest: str
    size: int
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Descriptor):
    """One line of an index. `attestation_for` is the digest of the image that an attestation speaks of, else None."""

    platform: Platform
    attestation_for: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image manifest: its config and its layers, the base's first."""

    config: Descriptor
    layers: tuple[Descriptor, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What an image's config says of it: for whom it is, and which program it starts."""

    platform: Platform
    program: tuple[str, ...]
    path: tuple[str, ...]
    directory: str


def digest_of(raw: bytes, algorithm: str = "sha256") -> str:
    """The digest of content."""
    return f"{algorithm}:{hashlib.new(algorithm, raw, usedforsecurity=False).hexdigest()}"


def is_index(raw: bytes) -> bool:
    """Whether a manifest is an index (Docker's manifest list) rather than one image."""
    return "manifests" in _document(raw)


def entries(raw: bytes) -> tuple[Entry, ...]:
    """Every line of an index, attestations included. Raises VerificationError where it is no index."""
    return tuple(_entry(item) for item in _list(_document(raw), "manifests"))


def held(raw: bytes) -> tuple[Descriptor, ...]:
    """What a manifest keeps besides its layers: the lines of an index, and what it was made about (its subject)."""
    document = _document(raw)
    lines = _list(document, "manifests") if "manifests" in document else []
    subject = _inner(document, "subject")
    return tuple(_descriptor(item) for item in (*lines, *([subject] if subject else [])))


def image_entry(raw: bytes, platform: Platform) -> Entry:
    """The image of a platform in what a node pushed: a small index, or the image manifest itself.

    BuildKit pushes an index as soon as there are attestations, else a bare manifest; the joined index always holds the
    inner image manifest. Raises VerificationError unless there is exactly one.
    """
    document = _document(raw)
    if "manifests" not in document:
        media_type = str(document.get("mediaType", OCI_MANIFEST))
        return Entry(digest=digest_of(raw), size=len(raw), media_type=media_type, platform=platform)
    images = [entry for entry in entries(raw) if entry.attestation_for is None]
    found = [entry for entry in images if entry.platform == platform]
    if len(found) != 1:
        there = ", ".join(str(entry.platform) for entry in images) or "no image at all"
        raise VerificationError(f"{platform}: the pushed index holds {there}, expected one image for {platform}")
    return found[0]


def image(raw: bytes) -> Image:
    """An image manifest. Raises VerificationError where it is none."""
    document = _document(raw)
    return Image(
        config=_descriptor(_mapping(document, "config")),
        layers=tuple(_descriptor(item) for item in _list(document, "layers")),
    )


def config(raw: bytes) -> Config:
    """An image's config. Raises VerificationError where it is none."""
    document = _document(raw)
    inner = _inner(document, "config")
    path = next((item[5:] for item in _words(inner, "Env") if item.startswith("PATH=")), "")
    return Config(
        platform=_platform(document),
        program=_words(inner, "Entrypoint") + _words(inner, "Cmd"),
        path=tuple(part for part in path.split(":") if part),
        directory=str(inner.get("WorkingDir") or "/"),
    )


def _words(item: Mapping[str, Any], key: str) -> tuple[str, ...]:
    words = item.get(key)
    return tuple(str(word) for word in words) if isinstance(words, list) else ()


def _entry(item: Mapping[str, Any]) -> Entry:
    descriptor = _descriptor(item)
    annotations, platform = _inner(item, "annotations"), _platform(_inner(item, "platform"))
    # Only for nobody's platform: clients choose by platform alone, and would run what calls itself an attestation.
    is_attestation = annotations.get(_REFERENCE_TYPE) == "attestation-manifest" and platform == _NOBODYS
    return Entry(
        digest=descriptor.digest,
        size=descriptor.size,
        media_type=descriptor.media_type,
        platform=platform,
        attestation_for=str(annotations.get(_REFERENCE_DIGEST, "")) if is_attestation else None,
    )


def _platform(item: Mapping[str, Any]) -> Platform:
    """The normal form where farm knows the platform, else the words as they are: they must still be shown."""
    words = [str(item.get(key) or "") for key in ("os", "architecture", "variant")]
    try:
        return platforms.parse("/".join(word for word in words if word))
    except ValueError:
        return Platform(*words)


def _document(raw: bytes) -> dict[str, Any]:
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise VerificationError(f"the registry's answer is not a manifest: {raw[:60]!r}")
    return document


def _inner(item: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A mapping that may be missing."""
    inner = item.get(key)
    return inner if isinstance(inner, dict) else {}


def _list(document: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    items = document.get(key)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise VerificationError(f"the registry's answer is not the manifest that was asked for: it has no {key!r}")
    return items


def _mapping(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    item = document.get(key)
    if not isinstance(item, dict):
        raise VerificationError(f"the registry's answer is not the manifest that was asked for: it has no {key!r}")
    return item


def _descriptor(item: Mapping[str, Any]) -> Descriptor:
    digest, size, media_type = item.get("digest"), item.get("size"), item.get("mediaType", "")
    if not isinstance(digest, str) or not isinstance(size, int) or not isinstance(media_type, str):
        raise VerificationError(f"the registry's answer holds a broken descriptor: {json.dumps(dict(item))[:200]}")
    return Descriptor(digest=digest, size=size, media_type=media_type)
