"""When nothing new should start on a node, judged from one look at it after the other. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from farm.nodes.sample.sample import Sample
from farm.report import words

Cause = Literal["heat", "throttled", "disk", "memory"]

# Degrees Celsius from which on a board is left alone, until it has cooled by as many as COOLS. A Raspberry Pi begins to
# slow down at 80, an Atom's cores between 85 and 90.
HOT, HOT_X86, COOLS = 80.0, 90.0, 10.0
# Seconds without a sign of throttling after which it counts as over: the firmware's bit comes and goes.
THROTTLED_FOR = 30.0
# Bytes below which a build would end with `no space left on device`, or in the hands of the kernel's OOM killer.
LEAST_DISK, LEAST_MEMORY, LEAST_MEMORY_SHARE = 1_000_000_000, 200_000_000, 0.15
# A node that was short of something is used again when it has this many times the least of it.
RECOVERED = 1.5
# Seconds for which a node is spared. What has not passed by then does not pass by itself, and slow builds are better
# than none; a disk is only ever freed by the build that finds it full, and prunes.
PATIENCE: dict[Cause, float] = {"heat": 600.0, "throttled": 600.0, "disk": 60.0, "memory": 120.0}

_UNDER_VOLTAGE, _THROTTLED = 1 << 0, 1 << 2


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is held against a node. Times in seconds of a clock that only runs forward.

    `reason` says in words why nothing new starts there, None for a node that may be used. `excused` are causes that
    hold still and have been waited for long enough; `slowed` is the count of the last sample, and `throttled_at` when
    throttling was seen last.
    """

    cause: Cause | None = None
    reason: str | None = None
    since: float = 0.0
    excused: frozenset[Cause] = frozenset()
    slowed: int | None = None
    throttled_at: float | None = None


def judge(before: State, sample: Sample, *, at: float, machine: str) -> State:
    """What one more look makes of it. `machine` is as `uname -m` says it.

    A node is drained while it is hot, throttled, or short of disk or memory: at once when a limit is passed, and until
    it is well clear of it, so that it does not come and go with every sample.
    """
    throttled_at = at if _is_slowed(before, sample) else before.throttled_at
    hot = HOT_X86 if machine in ("x86_64", "i686") else HOT
    held = {before.cause, *before.excused}
    found: dict[Cause, str] = dict(_causes(sample, held, hot, throttled_at, at))
    excused = before.excused & found.keys()
    if before.cause in found and at - before.since >= PATIENCE[before.cause]:
        excused |= {before.cause}
    cause = next((each for each in found if each not in excused), None)
    return State(
        cause=cause,
        reason=found[cause] if cause else None,
        since=before.since if cause == before.cause else at,
        excused=excused,
        slowed=before.slowed if sample.slowed is None else sample.slowed,
        throttled_at=throttled_at,
    )


def _causes(
    sample: Sample, held: set[Cause | None], hot: float, throttled_at: float | None, at: float
) -> Iterator[tuple[Cause, str]]:
    """Everything that speaks against the node, the most urgent first; what is `held` already has to be well over."""
    heat = sample.temperature
    if heat is not None and heat >= (hot - COOLS if "heat" in held else hot):
        yield "heat", f"its CPU is at {heat:.0f} °C; it is used again below {hot - COOLS:.0f} °C"
    if throttled_at is not None and at - throttled_at < THROTTLED_FOR:
        weak = (sample.throttled or 0) & _UNDER_VOLTAGE
        yield "throttled", f"it slows itself down {'for lack of voltage' if weak else 'for its heat'}"
    disk, least = sample.disk_free, LEAST_DISK * (RECOVERED if "disk" in held else 1)
    if disk is not None and disk < least:
        yield "disk", f"only {words.size(disk)} are free on the disk of its build cache"
    memory, least = sample.memory_available, min(LEAST_MEMORY, LEAST_MEMORY_SHARE * sample.memory_total)
    if memory is not None and memory < least * (RECOVERED if "memory" in held else 1):
        yield "memory", f"only {words.size(memory)} of memory are free"


def _is_slowed(before: State, sample: Sample) -> bool:
    """Whether the firmware says so now, or the kernel has counted it since the last sample."""
    if (sample.throttled or 0) & _THROTTLED:
        return True
    return before.slowed is not None and sample.slowed is not None and sample.slowed > before.slowed
