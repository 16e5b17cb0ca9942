"""The build cache in a registry that all nodes share (`cache:` in the inventory), so that a standby starts warm.

Each platform has a tag of its own, written by its own build and never by the join: `reg/app:buildcache-linux-arm-v7`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from farm.build import cache, fields
from farm.platforms import Platform
from farm.registry import reference
from farm.registry.reference import Reference

# A tag has at most 128 characters, and the platform's name comes behind.
_LONGEST_NAME = 80


def place(repository: str | None, image: Reference, *, target: str | None) -> Reference:
    """Where the cache of an image (built up to the stage `target`) lies; the tag is the part that platforms share.

    Without a `repository` it is beside the image; in one for many images the image's own name stands in the tag.
    """
    parts = ("buildcache", image.path if repository else None, target)
    tag = re.sub(r"[^A-Za-z0-9_.-]+", "-", "-".join(part for part in parts if part))[:_LONGEST_NAME]
    return replace(reference.parse(repository) if repository else image, tag=tag, digest=None)


def value(at: Reference, *, http: bool) -> str:
    """The cache as a build takes it; `http` says that its registry has no TLS."""
    cached = {"type": "registry", "ref": str(at)}
    return fields.join({**cached, "registry.insecure": "true"} if http else cached)


def exports(shared: str | None, platforms: Sequence[Platform]) -> tuple[str, ...]:
    """The values of `--cache-to`: with the steps of all stages, and no failed build where it cannot be written."""
    return cache.exports([f"{shared},mode=max,ignore-error=true"], platforms) if shared else ()


def imports(shared: str | None, platforms: Sequence[Platform]) -> tuple[str, ...]:
    """The values of `--cache-from`: the platforms' own tags alone, for nobody but farm writes there."""
    return cache.own_imports(shared, platforms) if shared else ()
