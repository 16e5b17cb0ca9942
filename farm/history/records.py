"""What the history tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from farm.platforms import Platform
from farm.report.outcome import Built, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A platform that was built and pushed by `run`; `inputs` are the components of what it was built from."""

    run: str
    built: Built
    inputs: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumable:
    """A run that did not end well, with all platforms that need not be built again. There may be none."""

    run: str
    kept: Mapping[Platform, Kept]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRecord:
    """What became of one platform in one run.

    `unfinished`: the run was killed, or still builds; the outcome holds the tries that have ended. `reused_from` names
    the run that built what this one only took over.
    """

    outcome: Outcome
    state: Literal["built", "reused", "failed", "unfinished"]
    reused_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run. `exit_code` and `seconds` are None for one that goes on, or was killed."""

    run: str
    target: str
    references: tuple[str, ...]
    started: datetime
    exit_code: int | None
    index: str | None
    seconds: float | None
    platforms: tuple[PlatformRecord, ...]
