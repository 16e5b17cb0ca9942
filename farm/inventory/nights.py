"""What an inventory says of nights: when, who is told, and what is cleaned up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from farm.inventory.secret import Secret

On = Literal["failure", "recovery", "change", "always"]
"""When people are told: something failed, something that had failed is well again, a tag moved, or every night."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nightly:
    """When `farm nightly` runs and how long it may. Times in seconds.

    `at` is a calendar expression of systemd.time(7), in the zone that it names, else the coordinator's; the start is
    put off by up to `jitter`. No build starts later than `deadline` after the night's start, or in a `quiet` window
    (pairs of seconds since local midnight; the second may be smaller than the first: over midnight). `max_age` is
    after how long an image is built though nothing has moved. `moves_identical`: tags move to new digests even where
    the content is the same but for timestamps.
    """

    at: str = "*-*-* 02:00"
    jitter: float = 900.0
    deadline: float | None = None
    quiet: tuple[tuple[int, int], ...] = ()
    max_age: float | None = None
    moves_identical: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """Who is told. `urls` are apprise's, `ping` is the URL of a dead man's switch: all of them secrets to be read.

    One message a night where one of `on` holds. Nothing waits longer than `within` seconds for a service. `link` is
    the address under which people find the reports, put into the message.
    """

    urls: tuple[Secret, ...] = ()
    on: tuple[On, ...] = ("failure", "recovery", "change")
    ping: Secret | None = None
    within: float = 30.0
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Housekeeping:
    """What is cleaned up. Ages in seconds, sizes in bytes, None for no such bound.

    `cache_age`, `cache_size` and `free_space` are of each node's build cache; `free_inodes` is the share of inodes
    (0 to 1) below which a node is short. `registry`: digests that no tag uses are deleted. `keep_runs` is the number
    of runs whose logs stay. `nightly`: `farm nightly` does all that after its builds.
    """

    cache_age: float | None = None
    cache_size: int | None = None
    free_space: int | None = None
    free_inodes: float | None = None
    registry: bool = False
    keep_runs: int | None = None
    nightly: bool = True
