"""Versions, as programs say their own."""

from __future__ import annotations

import re

_NUMBERS = re.compile(r"(\d{1,6})\.(\d{1,6})")


def numbers(version: str | None) -> tuple[int, int] | None:
    """The first two numbers of a version such as `v0.38.2` or `26.1.5+dfsg1`; None where there are none."""
    found = _NUMBERS.search(version or "")
    return (int(found[1]), int(found[2])) if found else None
