"""An inventory's text -> Inventory, or every mistake in it. Pure: no file is read, no name looked up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from farm import platforms
from farm.inventory import contradictions
from farm.inventory.document import Document, read
from farm.inventory.entries import FILE, FileEntry, RetryEntry
from farm.inventory.explain import explain
from farm.inventory.mistakes import InventoryError, Mistake
from farm.inventory.nodes import Inventory, Node, Registry
from farm.inventory.patience import Retry, Timeouts
from farm.inventory.walk import described
from farm.report import words


def parse(text: str, source: str, *, base: Path = Path(), home: Path = Path("~")) -> Inventory:
    """Read an inventory. `source` names it in messages; paths are relative to `base`, and `~/` is `home`.

    Raises InventoryError with every mistake.
    """
    return _inventory(_checked(read(text, source)), source, base, home)


def _checked(document: Document) -> FileEntry:
    if not isinstance(document.data, dict):
        message = f"the inventory is {described(document.data, '')}"
        mistake = Mistake(file=document.source, line=1, column=1, message=message, expected="a mapping with `nodes:`")
        raise InventoryError([*document.mistakes, mistake])
    # Keys that begin with x- are the user's own: a place for anchors.
    data = {key: value for key, value in document.data.items() if not key.startswith("x-")}
    mistakes = [*document.mistakes, *contradictions.find(data, document)]
    try:
        entry = FILE.validate_python(data)
    except ValidationError as error:
        mistakes += [explain(detail, document) for detail in error.errors(include_url=False)]
    if mistakes:
        raise InventoryError(mistakes)
    return entry


def _inventory(entry: FileEntry, source: str, base: Path, home: Path) -> Inventory:
    def path(text: str) -> Path:
        return home / text[2:] if text.startswith("~/") or text == "~" else base / text

    convert: Mapping[str, Callable[[Any], object]] = {
        "key": path,
        "known_hosts": path,
        "ca": path,
        "platforms": lambda names: tuple(platforms.parse(name) for name in names),
        "labels": tuple,
    }

    def values(said: Mapping[str, Any]) -> dict[str, Any]:
        return {key: convert[key](value) if key in convert else value for key, value in said.items()}

    defaults = entry.get("defaults") or {}
    return Inventory(
        nodes={name: Node(name=name, **values({**defaults, **(own or {})})) for name, own in entry["nodes"].items()},
        registries={name: Registry(**values(own or {})) for name, own in (entry.get("registries") or {}).items()},
        retry=_retry(entry.get("retry") or {}),
        timeouts=Timeouts(**_times(entry.get("timeouts") or {})),
        cache=entry.get("cache", False),
        source=source,
    )


def _retry(said: RetryEntry) -> Retry:
    retry = Retry(**{**_times(said), "kinds": said.get("kinds") or {}})
    # Where only one of the two is said, the other makes room for it.
    if "longest_pause" in said:
        return replace(retry, pause=min(retry.pause, retry.longest_pause))
    return replace(retry, longest_pause=max(retry.pause, retry.longest_pause))


def _times(said: Mapping[str, Any]) -> dict[str, Any]:
    return {key: words.read_seconds(value) if isinstance(value, str) else value for key, value in said.items()}
