"""Images that use one another as contexts: one that is not there, and a circle of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.inventory.contradictions.places import entries, mapping
from farm.inventory.document import Document
from farm.inventory.explain import subject
from farm.inventory.image_rules import TARGET
from farm.inventory.mistakes import Mistake, did_you_mean, plain
from farm.inventory.walk import Location


def find(data: Mapping[str, Any], document: Document) -> Iterator[Mistake]:
    """Every context `target:NAME` that cannot be built before the image that uses it."""
    links = {name: _links(name, entry) for name, entry in entries(data, "images").items()}
    known = [*mapping(data.get("images"))]
    told: set[str] = set()
    for name, needs in links.items():
        for place, other in needs:
            if other not in known:
                hint = did_you_mean(other, known)
                message = f"{subject(place)} names the image {plain(other) or 'of no name'}, which is not there"
                expected = None if hint else f"one of {', '.join(plain(each) for each in known)}"
                yield document.mistake(place, message, hint=hint, expected=expected)
        if name not in told and (circle := _circle(name, links)):
            told.update(circle)
            place = next(place for place, other in needs if other == circle[1])
            way = " -> ".join(plain(each) for each in circle)
            yield document.mistake(
                place, f"{subject(place)} closes a circle: {way}", hint="remove one of these contexts"
            )


def _links(name: str, entry: Mapping[str, Any]) -> list[tuple[Location, str]]:
    contexts = mapping(entry.get("contexts"))
    return [
        (("images", name, "contexts", key), text.removeprefix(TARGET))
        for key, text in contexts.items()
        if isinstance(text, str) and text.startswith(TARGET)
    ]


def _circle(start: str, links: Mapping[str, list[tuple[Location, str]]]) -> list[str]:
    """The way from an image back to itself, empty where there is none."""
    ways, seen = [[start]], {start}
    while ways:
        way = ways.pop()
        for _, other in links.get(way[-1], []):
            if other == start:
                return [*way, other]
            if other not in seen:
                seen.add(other)
                ways.append([*way, other])
    return []
