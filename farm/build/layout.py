"""OCI image layouts: the images that each node wrote, read as one flat multi-platform index. Pure.

Sources: the OCI image specification (image-layout.md, image-index.md) and what BuildKit's `oci` exporter writes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from farm import platforms
from farm.build import annotation
from farm.errors import JoinFailedError
from farm.platforms import Platform

INDEX = "application/vnd.oci.image.index.v1+json"
_INDEXES = (INDEX, "application/vnd.docker.distribution.manifest.list.v2+json")
_REFERENCE_DIGEST = "vnd.docker.reference.digest"

ReadBlob = Callable[[str], bytes]
Descriptor = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A layout to be written: its two files, its small blobs, and the digests and sizes of all that are copied."""

    index_digest: str
    index_json: bytes
    manifest: bytes
    blobs: dict[str, int]


def images(index_json: bytes, read: ReadBlob, platform: Platform) -> list[Descriptor]:
    """The lines that a node's layout adds to the joined index: its image and the attestations that speak of it.

    Raises JoinFailedError where the layout does not hold exactly one image, for that platform.
    """
    roots = _manifests(index_json)
    if len(roots) == 1 and roots[0].get("mediaType") in _INDEXES:
        roots = _manifests(read(str(roots[0]["digest"])))
    found = [line for line in roots if not _speaks_of(line)]
    if len(found) != 1 or _platform(found[0]) != platform:
        said = ", ".join(str(_platform(line) or "no platform") for line in found) or "none"
        raise JoinFailedError(f"the node's output for {platform} holds other images: {said}")
    # Notes such as the time of the export belong to the node's own file, not to the image.
    image = {key: found[0][key] for key in ("mediaType", "digest", "size", "platform")}
    return [image, *(line for line in roots if _speaks_of(line) == image["digest"])]


def blobs(lines: Sequence[Descriptor], read: ReadBlob) -> dict[str, int]:
    """Digest and size of every blob that these lines need, the manifests themselves first."""
    found: dict[str, int] = {}
    for line in lines:
        found[str(line["digest"])] = int(line["size"])
        manifest = json.loads(read(str(line["digest"])))
        for part in (manifest["config"], *manifest["layers"]):
            found[str(part["digest"])] = int(part["size"])
    return found


def joined(
    lines: Sequence[Descriptor], blobs: dict[str, int], *, tags: Sequence[str], annotations: Sequence[str]
) -> Layout:
    """The layout over all lines, named by the tags (`repository:tag`)."""
    notes = annotation.parse(annotations)
    index = _with_notes(
        {"schemaVersion": 2, "mediaType": INDEX, "manifests": [_described(line, notes) for line in lines]},
        {note.key: note.value for note in notes if note.type == "index"},
    )
    manifest = json.dumps(index, indent=2).encode()
    digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
    own = {note.key: note.value for note in notes if note.type == "index-descriptor"}
    root = {"mediaType": INDEX, "digest": digest, "size": len(manifest)}
    roots = [_with_notes(root, own | _names(tag)) for tag in tags] or [_with_notes(root, own | _LATEST)]
    top = {"schemaVersion": 2, "mediaType": INDEX, "manifests": roots}
    return Layout(index_digest=digest, index_json=json.dumps(top).encode(), manifest=manifest, blobs=dict(blobs))


# What BuildKit writes for an image without a name.
_LATEST = {"org.opencontainers.image.ref.name": "latest"}


def _names(tag: str) -> dict[str, str]:
    return {"io.containerd.image.name": tag, "org.opencontainers.image.ref.name": tag.rpartition(":")[2]}


def _described(line: Descriptor, notes: Sequence[annotation.Annotation]) -> Descriptor:
    if _speaks_of(line):
        return line
    wanted = (None, _platform(line))
    own = {note.key: note.value for note in notes if note.type == "manifest-descriptor" and note.platform in wanted}
    return _with_notes(line, own)


def _with_notes(document: dict[str, Any], notes: dict[str, str]) -> dict[str, Any]:
    return {**document, "annotations": notes} if notes else document


def _manifests(raw: bytes) -> list[Descriptor]:
    return list(json.loads(raw)["manifests"])


def _speaks_of(line: Descriptor) -> str | None:
    """The digest of the image that an attestation, which is for nobody's platform, speaks of; None for an image."""
    found = (line.get("annotations") or {}).get(_REFERENCE_DIGEST)
    return str(found) if found and _platform(line) is None else None


def _platform(line: Descriptor) -> Platform | None:
    words = line.get("platform") or {}
    text = "/".join(str(words[key]) for key in ("os", "architecture", "variant") if words.get(key))
    try:
        return platforms.parse(text)
    except ValueError:
        return None
