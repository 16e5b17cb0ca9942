"""What the user asked of one build run."""

from __future__ import annotations

from dataclasses import dataclass

from farm.platforms import Platform
from farm.sources.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to build, on which nodes, and how hard to try.

    `retries` counts further tries on one node, `silence` and `timeout` are the seconds after which a build is given up;
    None leaves each to the inventory. `allow_missing` are platforms that may be left out of the image if they
    cannot be built; `resume` names a run to go on with ("" for the latest, None for none); `wait` is how many seconds
    to wait for another run that builds the same image, None for not at all.
    """

    spec: Spec
    only: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    retries: int | None = None
    silence: float | None = None
    timeout: float | None = None
    allow_emulation: bool = False
    allow_missing: tuple[Platform, ...] = ()
    resume: str | None = None
    wait: float | None = None
