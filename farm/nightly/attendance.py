"""Which nodes a night has asked, and which of them are missing: a board that sleeps until it is needed is not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from farm.report.events import Emit, Event, NodeProbed, OfTarget, PowerUsed


@dataclass(slots=True)
class Attendance:
    """Passes events on and remembers what they say of nodes: those that were `asked`, those that were `woken`, and the
    bytes that were `free` on their disks."""

    emit: Emit
    asked: set[str] = field(default_factory=set)
    woken: set[str] = field(default_factory=set)
    free: dict[str, int] = field(default_factory=dict)

    def __call__(self, event: Event) -> None:
        """Hear of an event."""
        match event.event if isinstance(event, OfTarget) else event:
            case NodeProbed(node=node, disk_free=free):
                self.asked.add(node)
                if free is not None:
                    self.free[node] = free
            case PowerUsed(node=node, action="wake" | "cycle"):
                self.woken.add(node)
            case _:
                pass
        self.emit(event)

    def missing(self, away: Mapping[str, str], sleepers: Collection[str]) -> dict[str, str]:
        """Of the nodes that did not answer, each with its error, those that should have: no sleeper unless woken."""
        return {node: why for node, why in away.items() if node not in sleepers or node in self.woken}
