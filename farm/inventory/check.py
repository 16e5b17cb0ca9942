"""An inventory's text -> Inventory, or every mistake in it. Pure: no file is read, no name looked up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from farm.inventory import contradictions
from farm.inventory.convert import inventory
from farm.inventory.document import Document, read
from farm.inventory.entries import FileEntry, adapter
from farm.inventory.explain import explain
from farm.inventory.mistakes import InventoryError, Mistake
from farm.inventory.nodes import Inventory
from farm.inventory.walk import described


def parse(
    text: str,
    source: str,
    *,
    base: Path = Path(),
    home: Path = Path("~"),
    environment: Mapping[str, str] = MappingProxyType({}),
    is_zone: Callable[[str], bool] = lambda _: True,
) -> Inventory:
    """Read an inventory.

    `source` names it in messages; paths are relative to `base`, and `~/` is `home`; `environment` has the variables
    that a proxy may be read from; `is_zone` knows the time zones. Raises InventoryError with every mistake.
    """

    def path(text: str) -> Path:
        return home / text[2:] if text.startswith("~/") or text == "~" else base / text

    return inventory(_checked(read(text, source), environment, is_zone), source, path=path, environment=environment)


def _checked(document: Document, environment: Mapping[str, str], is_zone: Callable[[str], bool]) -> FileEntry:
    if not isinstance(document.data, dict):
        message = f"the inventory is {described(document.data, '')}"
        mistake = Mistake(file=document.source, line=1, column=1, message=message, expected="a mapping with `nodes:`")
        raise InventoryError([*document.mistakes, mistake])
    # Keys that begin with x- are the user's own: a place for anchors.
    data = {key: value for key, value in document.data.items() if not key.startswith("x-")}
    mistakes = [*document.mistakes, *contradictions.find(data, document, environment, is_zone)]
    try:
        entry = adapter(data).validate_python(data)
    except ValidationError as error:
        mistakes += [explain(detail, document) for detail in error.errors(include_url=False)]
    if mistakes:
        raise InventoryError(mistakes)
    return entry
