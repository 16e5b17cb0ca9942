"""Inventories that differ from the lab's own in one thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.farm.boards import Lab


def variant(lab: Lab, path: Path, *, nodes: dict[str, dict[str, Any]] | None = None, **defaults: str) -> Path:
    """Write the lab's inventory with other keys for the named nodes (new ones among them) or for all of them."""
    document = yaml.safe_load(lab.inventory.read_text())
    document["defaults"] |= defaults
    for name, keys in (nodes or {}).items():
        document["nodes"].setdefault(name, {}).update(keys)
    path.write_text(yaml.safe_dump(document))
    return path


def with_keys(lab: Lab, path: Path, **keys: object) -> Path:
    """Write the lab's inventory with further keys of the whole farm, such as `cache` and `retry`."""
    path.write_text(yaml.safe_dump(yaml.safe_load(lab.inventory.read_text()) | keys))
    return path
