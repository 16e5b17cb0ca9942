"""What people are told of a night, and whether. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["info", "success", "warning", "failure"]
"""How bad it is, in apprise's words: services colour a message by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A short title, and a body in plain text that is valid Markdown too."""

    title: str
    body: str
    kind: Kind = "info"
