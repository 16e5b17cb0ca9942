"""Caches elsewhere (`--cache-to`, `--cache-from`) when several nodes build the parts of one image.

Two nodes that export to one place overwrite each other, so each platform gets a place of its own beside the given one:
`ref=reg/app:cache` becomes `reg/app:cache-linux-arm64`.
"""

from __future__ import annotations

from collections.abc import Sequence

from farm.build import fields
from farm.platforms import Platform
from farm.registry import reference
from farm.registry.reference import Reference

# Which attribute says where, per kind of cache, and its default: BuildKit's docs, "cache backends".
_EXPORT_PLACE = {"registry": "ref", "local": "dest", "gha": "scope", "s3": "name", "azblob": "name"}
_IMPORT_PLACE = {**_EXPORT_PLACE, "local": "src"}
_DEFAULT_PLACE = "buildkit"


def exports(values: Sequence[str], platforms: Sequence[Platform]) -> tuple[str, ...]:
    """The values of `--cache-to` for a build of these platforms, one as a rule."""
    return tuple(
        _at(_parse(value, "--cache-to"), _EXPORT_PLACE, platform) for value in values for platform in platforms
    )


def imports(values: Sequence[str], platforms: Sequence[Platform]) -> tuple[str, ...]:
    """The values of `--cache-from`: each platform's own place, and each as it was given. A missing one is no error."""
    found: list[str] = []
    for value in values:
        found += dict.fromkeys((*own_imports(value, platforms), value))
    return tuple(found)


def own_imports(value: str, platforms: Sequence[Platform]) -> tuple[str, ...]:
    """The values of `--cache-from` that read where `exports` writes for each of these platforms."""
    return tuple(_at(_parse(value, "--cache-from"), _IMPORT_PLACE, platform) for platform in platforms)


def has_inline(values: Sequence[str]) -> bool:
    """Whether one of them becomes a part of the image itself."""
    return any(_parse(value, "--cache-to").get("type") == "inline" for value in values)


def references(values: Sequence[str]) -> tuple[Reference, ...]:
    """Those of the places that are in a registry. Raises UsageError for what is no reference."""
    parsed = [_parse(value, "--cache-to") for value in values]
    return tuple(
        reference.parse(cache["ref"]) for cache in parsed if cache.get("type") == "registry" and "ref" in cache
    )


def _parse(value: str, flag: str) -> dict[str, str]:
    words = fields.split(value, flag)
    if len(words) == 1 and "=" not in words[0]:
        return {"type": "registry", "ref": words[0]}
    return fields.pairs(words, flag)


def _at(cache: dict[str, str], place: dict[str, str], platform: Platform) -> str:
    kind = cache.get("type", "")
    if kind in place:
        attribute = place[kind]
        cache = {**cache, attribute: _beside(kind, cache.get(attribute, _DEFAULT_PLACE), platform.slug)}
    return fields.join(cache)


def _beside(kind: str, where: str, slug: str) -> str:
    if kind == "local":
        return f"{where.rstrip('/')}/{slug}"
    if kind == "registry" and ":" not in where.rpartition("/")[2]:
        return f"{where}:latest-{slug}"
    return f"{where}-{slug}"
