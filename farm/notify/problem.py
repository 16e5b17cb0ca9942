"""What went wrong in telling somebody: one line that never holds a secret."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """`service` is whom it could not be told to, in words; `what` is why."""

    service: str
    what: str

    def __str__(self) -> str:
        """The one line."""
        return f"{self.service}: {self.what}"
