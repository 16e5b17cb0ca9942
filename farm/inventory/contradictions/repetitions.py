"""One thing twice in a list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from farm import platforms
from farm.inventory.contradictions.places import texts
from farm.inventory.document import Document
from farm.inventory.explain import subject
from farm.inventory.mistakes import Mistake, plain
from farm.inventory.walk import Location


def find(owner: Location, entry: Mapping[str, Any], keys: tuple[str, ...], document: Document) -> Iterator[Mistake]:
    """Every repetition in the lists at these keys of an entry; a platform may be spelt in more ways than one."""
    for key in keys:
        meaning: Callable[[str], object] = platforms.parse if key == "platforms" else str
        seen: set[object] = set()
        for at, text in texts(entry.get(key)):
            try:
                value = meaning(text)
            except ValueError:
                continue
            if value in seen:
                message = f"{subject((*owner, key))} holds {plain(str(value))} twice"
                yield document.mistake((*owner, key, at), message, hint="remove one of them")
            seen.add(value)
