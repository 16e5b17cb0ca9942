"""What a step may take: the user's own `--resource`, and the limits of the node that it runs on. Pure.

BuildKit leaves them out of a step's cache key: a join that tells none finds all that was built with them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from farm import versions

_MEMORY = re.compile(r"(\d+(?:\.\d+)?)([bkmgtp]?)b?", re.IGNORECASE)
_FACTORS = {letter: 1024**power for power, letter in enumerate("bkmgtp")}
# The first that has the option; from it on farm can tell a node's limits.
_FIRST = (0, 35)


def merged(own: Sequence[str], limits: Sequence[str]) -> tuple[str, ...]:
    """Both, as values of `--resource`: whoever builds may ask for less memory than the node gives, never for more."""
    bounds = dict(limit.split("=", 1) for limit in limits)
    kept = [value for value in own if value.partition("=")[0].strip() not in bounds or _is_less(value, bounds)]
    taken = {value.partition("=")[0].strip() for value in kept}
    return (*kept, *(limit for limit in limits if limit.partition("=")[0] not in taken))


def _is_less(value: str, bounds: dict[str, str]) -> bool:
    key, _, amount = value.partition("=")
    if key.strip() != "memory":
        return False
    asked = _MEMORY.fullmatch(amount.strip())
    # buildx itself refuses what is no size.
    return asked is None or float(asked[1]) * _FACTORS[asked[2].lower() or "b"] < float(bounds["memory"])


def are_taken(version: str | None) -> bool:
    """Whether buildx of that version has the option; one that does not say its version is taken for a new one."""
    number = versions.numbers(version)
    return number is None or number >= _FIRST
