"""What may not reach a terminal, a log or a mail from others: escapes and control characters. Pure."""

from __future__ import annotations

import re

# ECMA-48, and what terminals take beside it.
_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor moves
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles, links
    r"|\x1b[ -/]*[0-~]"  # everything else that begins with escape
    r"|[\x00-\x08\x0a-\x1f\x7f-\x9f]"
    r"|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"  # turns the order of what follows (Unicode, annex 9)
)


def without(text: str) -> str:
    """The text without terminal escapes and without control characters other than tabs."""
    return _CONTROL.sub("", text)
