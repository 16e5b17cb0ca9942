"""How hard the farm tries: what `retry:` and `timeouts:` of an inventory say, with what holds where they are silent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often a platform is tried again, and when. Times in seconds.

    `attempts` are tries on one node, the first included; `kinds` has other numbers for single kinds of failure (the
    names of `farm.build.failures.Kind`). The pause before another try on the same node begins with `pause`, doubles,
    and ends at `longest_pause`. No try begins later than `total` after the platform's first, None for no such end.
    """

    attempts: int = 3
    pause: float = 0.5
    longest_pause: float = 20.0
    total: float | None = None
    kinds: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """When a build is given up, in seconds: after so long a silence, and after so long in all.

    `build` is None for three times what it usually takes.
    """

    silence: float = 15 * 60.0
    build: float | None = None
