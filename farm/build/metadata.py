"""What buildx writes with `--metadata-file`. Pure.

One node's file holds the descriptor of what was pushed; that of a join holds the index digest alone (buildx,
build/build.go).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

_DIGEST = "containerimage.digest"
_DESCRIPTOR = "containerimage.descriptor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What was pushed: an index or an image manifest. `media_type` and `size` (bytes) are None after a join."""

    digest: str
    media_type: str | None = None
    size: int | None = None


def parse(text: str) -> Pushed | None:
    """Read the file; None where nothing was pushed. Raises ValueError where it is not what buildx writes."""
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError("no JSON object")
    descriptor = document.get(_DESCRIPTOR)
    if isinstance(descriptor, dict):
        digest, media_type, size = (descriptor.get(key) for key in ("digest", "mediaType", "size"))
    else:
        digest, media_type, size = document.get(_DIGEST), None, None
    if digest is None:
        return None
    return Pushed(
        digest=str(digest),
        media_type=media_type if isinstance(media_type, str) else None,
        size=size if isinstance(size, int) else None,
    )
