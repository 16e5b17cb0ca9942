"""Whether two images differ in nothing but timestamps. Pure.

Source: the OCI image specification, config.md (`created`, `history`) and annotations.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from farm.errors import VerificationError

_CREATED = "org.opencontainers.image.created"


def essence(manifest: bytes, config: bytes) -> str:
    """An image without its timestamps, as text that is equal for equal images.

    What counts are its layers by their digests, and all of its config and annotations but the times at which it and its
    layers were made. Raises VerificationError for what is no image.
    """
    outer, inner = _document(manifest), _document(config)
    inner.pop("created", None)
    inner["history"] = [_without(entry, "created") for entry in _list(inner.get("history"))]
    if isinstance(inner.get("config"), dict):
        inner["config"] = {**inner["config"], "Labels": _without(inner["config"].get("Labels"), _CREATED)}
    layers = [entry.get("digest") for entry in _list(outer.get("layers"))]
    annotations = _without(outer.get("annotations"), _CREATED)
    return json.dumps([layers, annotations, inner], sort_keys=True)


def of_index(index: bytes) -> str:
    """The same for what an index says of all its images together."""
    return json.dumps(_without(_document(index).get("annotations"), _CREATED), sort_keys=True)


def _document(raw: bytes) -> dict[str, Any]:
    try:
        document = json.loads(raw)
    except ValueError as error:
        raise VerificationError("what the registry holds is no JSON") from error
    if not isinstance(document, dict):
        raise VerificationError("what the registry holds is no image")
    return document


def _list(found: object) -> list[Mapping[str, Any]]:
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _without(found: object, key: str) -> dict[str, Any]:
    """Without the key; nothing at all is the same as empty."""
    return {name: value for name, value in found.items() if name != key} if isinstance(found, dict) else {}
