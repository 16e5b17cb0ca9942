"""Where a job stands while it is done."""

from __future__ import annotations

from typing import Protocol


class Whereabouts(Protocol):
    """Told by a job to whoever gives nodes to jobs."""

    def takes(self, node: str) -> None:
        """The job turns to this node, and may still wait for a slot there."""

    def leaves(self) -> bool:
        """The job needs its node no more. Whether another job of the run follows there at once."""

    def loses(self, node: str) -> None:
        """The node has gone while the job was there."""
