"""Where in an inventory's data, as it is written, a kind of entry stands; what has the wrong type is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.inventory.walk import Location


def mapping(value: object) -> dict[str, Any]:
    """The value where it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def texts(value: object) -> list[tuple[int, str]]:
    """The texts of a list, each with its position."""
    return [(at, text) for at, text in enumerate(value if isinstance(value, list) else []) if isinstance(text, str)]


def entries(data: Mapping[str, Any], key: str) -> dict[str, dict[str, Any]]:
    """The entries of a mapping by name; one of which only the name is written is an empty one."""
    return {
        name: mapping(entry)
        for name, entry in mapping(data.get(key)).items()
        if entry is None or isinstance(entry, dict)
    }


def everywhere(data: Mapping[str, Any], key: str) -> Iterator[tuple[Location, dict[str, Any]]]:
    """What stands at `key` of the file, of the defaults and of each node, with its place."""
    owners: list[tuple[Location, Mapping[str, Any]]] = [((), data), (("defaults",), mapping(data.get("defaults")))]
    owners += [(("nodes", name), entry) for name, entry in entries(data, "nodes").items()]
    for location, owner in owners:
        if isinstance(owner.get(key), dict):
            yield (*location, key), owner[key]
