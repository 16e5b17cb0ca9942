"""Who waits for whom among the targets of a run. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from farm.sources.targets import Target


def depend_on(name: str, targets: Sequence[Target]) -> frozenset[str]:
    """The names of all targets that cannot be built before the named one, itself included."""
    found = {name}
    while more := {target.name for target in targets if found.intersection(target.needs)} - found:
        found |= more
    return frozenset(found)
