"""The inventory: YAML text -> Inventory of Node, or all mistakes, each with its place."""

from __future__ import annotations

from typing import Any

from farm.inventory.files import load, locate
from farm.inventory.images import Image
from farm.inventory.mistakes import InventoryError, Mistake
from farm.inventory.nights import Housekeeping, Nightly, Notify
from farm.inventory.nodes import Engine, Inventory, Limits, Node, Power, Proxy, Registry
from farm.inventory.patience import Retry, Timeouts
from farm.inventory.secret import Secret

__all__ = [
    "Engine",
    "Housekeeping",
    "Image",
    "Inventory",
    "InventoryError",
    "Limits",
    "Mistake",
    "Nightly",
    "Node",
    "Notify",
    "Power",
    "Proxy",
    "Registry",
    "Retry",
    "Secret",
    "Timeouts",
    "load",
    "locate",
    "schema",
]


def schema() -> dict[str, Any]:
    """The JSON Schema of an inventory file, made from the types that check it."""
    from farm.inventory.entries import schema as generated  # pydantic takes longer to load than most commands need

    return generated()
