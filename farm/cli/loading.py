"""Reads the inventory, and uses the time to load what reaches its nodes."""

from __future__ import annotations

import os
from pathlib import Path

from farm.inventory import Inventory, load, locate


def inventory(path: Path | None) -> Inventory:
    """The inventory that `-i`, the environment or the current directory names, else this machine alone.

    Raises InventoryError with every mistake in it.
    """
    if path is not None or locate(os.environ, Path.cwd()):
        from farm.nodes.reach import load_ahead

        load_ahead()
    return load(path)
