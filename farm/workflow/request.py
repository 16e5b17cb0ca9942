"""What the user asked of one build run."""

from __future__ import annotations

from dataclasses import dataclass

from farm.sources.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to build, on which nodes, and how hard to try. `retries` counts further tries on one node."""

    spec: Spec
    only: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    retries: int = 2
    allow_emulation: bool = False
