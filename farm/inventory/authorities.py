"""The files that an inventory names as the CAs of registries, read on the coordinator."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from farm.errors import UsageError
from farm.inventory.nodes import Registry


def certificates(registries: Mapping[str, Registry]) -> dict[str, str]:
    """The CAs in PEM, by registry. Raises UsageError for a file that cannot be read."""
    return {name: text(registry.ca) for name, registry in registries.items() if registry.ca}


def text(ca: Path) -> str:
    """What a CA's file says. Raises UsageError where it cannot be read."""
    try:
        return ca.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(
            f"the CA file {ca} cannot be used: {reason}",
            fix="name a file of PEM certificates at `ca:` of that registry in the inventory",
        ) from error
