"""What a run has done with a node's power."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Power = Literal["wake", "cycle", "off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerUse:
    """A node was woken, cycled, or put back to sleep (off) within `seconds`; `error` says why it was not, if so."""

    node: str
    action: Power
    seconds: float
    error: str | None

    def document(self) -> dict[str, Any]:
        """The use for scripts."""
        return {
            "node": self.node,
            "action": self.action,
            "seconds": round(self.seconds, 3),
            "error": self.error,
        }

    def __str__(self) -> str:
        done = {"wake": "woken", "cycle": "power cycled", "off": "put back to sleep"}[self.action]
        return f"{self.node} {done}" if self.error is None else self.error
