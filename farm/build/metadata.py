"""What buildx writes with `--metadata-file`. Pure.

One node's file holds the descriptor of what was pushed; that of a join holds the index digest alone (buildx,
build/build.go).
"""

from __future__ import annotations

import json

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
