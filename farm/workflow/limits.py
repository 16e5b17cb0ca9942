"""Whether the nodes' limits can be told to their steps."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from farm.build import resources
from farm.build.locate import Buildx
from farm.build.version import version
from farm.inventory import Limits, Node
from farm.report.events import Emit, Warned


async def are_told(nodes: Iterable[Node], buildx: Buildx, config: Path, emit: Emit) -> bool:
    """Ask buildx, where a node has limits that its steps might have to be told, and say once where it cannot."""
    limited = [node.name for node in nodes if node.limits != Limits() and node.engine != "container"]
    if not limited:
        return True
    found = await version(buildx, config)
    if resources.are_taken(found):
        return True
    message = (
        f"buildx {found} here is older than 0.35 and tells steps no limits: those of {', '.join(limited)} hold only "
        "where farm has set BuildKit up, in a container or with `farm provision`"
    )
    emit(Warned(message=message))
    return False
