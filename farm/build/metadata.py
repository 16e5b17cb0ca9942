"""What buildx writes of its results: with `--metadata-file`, and what `imagetools create --dry-run` prints. Pure.

One node's file holds the descriptor of what was pushed; that of a join holds the index digest alone (buildx,
build/build.go).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from farm.registry import manifests
from farm.registry.client import Manifest

_DIGEST = "containerimage.digest"
_DESCRIPTOR = "containerimage.descriptor"


def pushed(text: str) -> str | None:
    """The digest of the index or manifest that was pushed; None where nothing was.

    Raises ValueError where it is not what buildx writes.
    """
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError("no JSON object")
    descriptor = document.get(_DESCRIPTOR)
    digest = descriptor.get("digest") if isinstance(descriptor, dict) else document.get(_DIGEST)
    return None if digest is None else str(digest)


def printed(lines: Sequence[str]) -> Manifest | None:
    """The manifest among all that buildx printed, byte for byte; None where there is none.

    What buildx made comes over many lines; a lone index of the registry's comes as it is, maybe on one (buildx,
    commands/imagetools/create.go). Warnings may stand before it and after it.
    """
    try:
        first = next(number for number, line in enumerate(lines) if line.startswith("{"))
        last = first if lines[first].endswith("}") else lines.index("}", first)
        raw = "\n".join(lines[first : last + 1]).encode()
        document = json.loads(raw)
    except (StopIteration, ValueError):
        return None
    usual = manifests.OCI_INDEX if "manifests" in document else manifests.OCI_MANIFEST
    return Manifest(raw=raw, media_type=document.get("mediaType") or usual, digest=manifests.digest_of(raw))
