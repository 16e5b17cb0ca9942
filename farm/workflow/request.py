"""What the user asked of one build run."""

from __future__ import annotations

from dataclasses import dataclass, field

from farm.platforms import Platform
from farm.sources.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a build is given up, in seconds. `build` is None for three times what it usually takes."""

    silence: float = 15 * 60
    build: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to build, on which nodes, and how hard to try.

    `retries` counts further tries on one node; `allow_missing` are platforms that may be left out of the image if they
    cannot be built; `resume` names a run to go on with ("" for the latest, None for none); `wait` is how many seconds
    to wait for another run that builds the same image, None for not at all.
    """

    spec: Spec
    only: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    retries: int = 2
    allow_emulation: bool = False
    allow_missing: tuple[Platform, ...] = ()
    resume: str | None = None
    wait: float | None = None
    limits: Limits = field(default_factory=Limits)
