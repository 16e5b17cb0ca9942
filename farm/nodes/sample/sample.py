"""One look at a node."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A node at one moment. Sizes in bytes, temperature in degrees Celsius; None is "it could not say".

    `throttled` is the bit mask of a Raspberry Pi's firmware (vcgencmd get_throttled). `slowed` counts how often an
    Intel CPU has slowed down for heat since it was started (/sys/devices/system/cpu/cpu*/thermal_throttle).
    `disk_free` is of the file system of the engine's cache.
    """

    memory_total: int = 0
    memory_available: int | None = None
    load: float = 0.0
    temperature: float | None = None
    throttled: int | None = None
    slowed: int | None = None
    disk_free: int | None = None
