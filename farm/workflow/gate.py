"""Whether builds may start at all: a night has hours in which they may not."""

from __future__ import annotations

from typing import Protocol


class Gate(Protocol):
    """Asked before each try at a platform."""

    async def opened(self) -> None:
        """Wait until a build may start. Raises PostponedError where none may any more."""


class Open:
    """The gate of a run that somebody has started by hand."""

    async def opened(self) -> None:
        """Let everything through."""
