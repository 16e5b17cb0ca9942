"""What the user asked of one build run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from farm.errors import FarmError
from farm.history.records import Kept
from farm.platforms import Platform
from farm.sources.targets import Target
from farm.workflow.gate import Gate, Open


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to build, on which nodes, and how hard to try.

    `retries` counts further tries on one node, `silence` and `timeout` are the seconds after which a build is given up;
    None leaves each to the inventory. `allow_missing` are platforms that may be left out of the image if they
    cannot be built; `resume` names a run to go on with ("" for the latest, None for none); `wait` is how many seconds
    to wait for another run that builds the same image, None for not at all.

    `kept` says by target's name what an earlier run has built, to be taken over where it is the same and still there.
    `moves_identical`: tags move to what differs in nothing but timestamps from what they point to.
    `duplicates_stragglers`: a platform that is left alone and takes longer than expected is built on an idle node too.
    `refused` are targets that cannot be built, each with why: they are reported beside the others. `gate` is asked
    before each try at a platform whether it may start.
    """

    targets: tuple[Target, ...]
    only: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    retries: int | None = None
    silence: float | None = None
    timeout: float | None = None
    allow_emulation: bool = False
    allow_missing: tuple[Platform, ...] = ()
    resume: str | None = None
    wait: float | None = None
    kept: Mapping[str, Mapping[Platform, Kept]] = field(default_factory=dict)
    moves_identical: bool = True
    duplicates_stragglers: bool = False
    refused: Mapping[str, FarmError] = field(default_factory=dict)
    gate: Gate = field(default_factory=Open)
