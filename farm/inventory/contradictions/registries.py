"""A registry that cannot be reached as it says, or that is for nothing it is used for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.inventory.contradictions.places import entries, everywhere, mapping, texts
from farm.inventory.document import Document
from farm.inventory.explain import subject
from farm.inventory.mistakes import Mistake, plain
from farm.inventory.walk import Location

_HUB = "docker.io"
_HUB_NAMES = {"index.docker.io", "registry-1.docker.io", "hub.docker.com", "registry.hub.docker.com"}


def find(data: Mapping[str, Any], document: Document) -> Iterator[Mistake]:
    """Every contradiction between what registries say, and what is done with them."""
    for location, found in everywhere(data, "registries"):
        for name, entry in found.items():
            yield from _one((*location, name), name, mapping(entry), document)
    cache = data.get("cache")
    domain = cache.partition("/")[0] if isinstance(cache, str) else None
    if domain and entries(data, "registries").get(domain, {}).get("push") is False:
        yield document.mistake(
            ("cache",),
            f"`cache` is in registry {plain(domain)}, which says `push: false`",
            hint="every build writes there; choose another registry",
        )


def _one(location: Location, name: str, entry: Mapping[str, Any], document: Document) -> Iterator[Mistake]:
    where = subject(location)
    if name in _HUB_NAMES:
        yield document.mistake(
            location, f"{where} is Docker Hub, which images call {_HUB}", hint=f"write `{_HUB}:`", at_key=True
        )
    if entry.get("http") is True and "ca" in entry:
        yield document.mistake(
            (*location, "ca"),
            f"{where}: `ca` has no meaning with plain HTTP",
            hint="remove `ca` or `http`",
            at_key=True,
        )
    if entry.get("pull") is False and entry.get("mirrors"):
        yield document.mistake(
            (*location, "mirrors"),
            f"{where}: `mirrors` have no meaning with `pull: false`",
            hint="remove one of them",
            at_key=True,
        )
    seen: set[str] = set()
    for at, mirror in texts(entry.get("mirrors")):
        if mirror == name:
            message, hint = f"{where} is its own mirror", "remove it: the registry itself is always asked last"
            yield document.mistake((*location, "mirrors", at), message, hint=hint)
        elif mirror in seen:
            message = f"{where}: `mirrors` holds {plain(mirror)} twice"
            yield document.mistake((*location, "mirrors", at), message, hint="remove one of them")
        seen.add(mirror)
