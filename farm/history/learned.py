"""What earlier runs teach of the next one, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from farm.platforms import Platform


class Pair(NamedTuple):
    """A job and a node: one platform of a target (the name under which the history keeps it) and who builds it."""

    target: str
    platform: Platform
    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long a job took on a node, in seconds, the most recent first, by whether most of its steps were cached.

    `last` is the start of the run that built it there last: the node's cache is the warmer the less ago that is.
    """

    cold: tuple[float, ...] = ()
    warm: tuple[float, ...] = ()
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How a node did in the probe benchmark: `seconds` of its CPU, which calls itself `cpu`."""

    cpu: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """All that is known of some targets, whoever built them.

    `peaks` is the most memory that a build of (target, platform) was seen to take, in bytes: by samples some seconds
    apart, so it may have taken more. `marks` is how long each node took for the probe benchmark, in seconds.
    """

    times: Mapping[Pair, Times] = field(default_factory=dict)
    peaks: Mapping[tuple[str, Platform], int] = field(default_factory=dict)
    marks: Mapping[str, float] = field(default_factory=dict)
