"""A node that is to be switched in a way that nobody has said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.inventory.contradictions.places import everywhere
from farm.inventory.document import Document
from farm.inventory.explain import subject
from farm.inventory.mistakes import Mistake
from farm.inventory.walk import Location

_WAYS = {"mac", "wake", "cycle", "off"}


def find(data: Mapping[str, Any], document: Document) -> Iterator[Mistake]:
    """Every contradiction between what nodes say of their power."""
    cards: dict[str, Location] = {}
    for location, entry in everywhere(data, "power"):
        if not _WAYS & entry.keys():
            yield document.mistake(
                location, f"{subject(location)} says no way", expected="`mac`, `wake`, `cycle` or `off`", at_key=True
            )
        elif entry.get("after") == "sleep" and "off" not in entry:
            place = (*location, "after")
            yield document.mistake(
                place, f"{subject(place)} is sleep, but no command is said", expected="`off:` beside it"
            )
        if "broadcast" in entry and "mac" not in entry:
            place = (*location, "broadcast")
            message = f"{subject(place)} has no meaning without `mac`"
            yield document.mistake(place, message, hint="add the address of its network card", at_key=True)
        card = entry.get("mac")
        if location[0] == "defaults" and card is not None:
            message = f"{subject((*location, 'mac'))} would be that of every node"
            yield document.mistake((*location, "mac"), message, hint="say it at each node", at_key=True)
        elif isinstance(card, str):
            first = cards.setdefault(card.lower().replace("-", ":"), location)
            if first != location:
                place = (*location, "mac")
                message = f"{subject(place)} is that of {subject(first[:-1])} too"
                yield document.mistake(place, message, hint="each network card has an address of its own")
