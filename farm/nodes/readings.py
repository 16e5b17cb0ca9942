"""What readings.sh reads, as numbers: memory and disk in bytes, degrees Celsius. Pure; None is "it could not say"."""

from __future__ import annotations

import re
from collections.abc import Iterable

from farm.nodes.facts import FoundEngine
from farm.nodes.probe.answers import Answers

# A line of `df -P`: size, used, available, per cent.
_SIZES = re.compile(r"\s(\d{1,18})\s+\d+\s+(\d{1,18})\s+\d+%\s")
_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,9})?")
_MASK = re.compile(r"(?:throttled=)?(?:0x)?([0-9a-fA-F]{1,8})")
# Sensors that sit on the CPU; others (battery, ACPI) often hold a constant. A Bay Trail Atom has `soc_dts` alone.
_CPU_SENSORS = (
    "cpu-thermal",
    "cpu_thermal",
    "cpu0-thermal",
    "soc-thermal",
    "soc_thermal",
    "soc_dts0",
    "soc_dts1",
    "x86_pkg_temp",
)


def memory_total(said: Answers) -> int:
    """All memory that the kernel has; 0 where it does not say."""
    return kibibytes(dict(said.fields("memory")).get("MemTotal")) or 0


def memory_available(said: Answers) -> int:
    """What programs can still get without swapping; 0 where the kernel does not say."""
    memory = dict(said.fields("memory"))
    available = kibibytes(memory.get("MemAvailable"))
    if available is not None:
        return available
    # Kernels before 3.14, as vendors of boards still ship them, do not say it.
    return (kibibytes(memory.get("MemFree")) or 0) + (kibibytes(memory.get("Cached")) or 0)


def load(said: Answers) -> float:
    """The load of the last minute."""
    return number((said.first("load") or "").partition(" ")[0]) or 0.0


def disk(said: Answers, engines: Iterable[FoundEngine]) -> tuple[int, int] | None:
    """Total and free bytes where the first usable engine keeps its cache: rootless ones have it in the home."""
    sizes = [(int(size[1]) * 1024, int(size[2]) * 1024) for line in said.all("disk") if (size := _SIZES.search(line))]
    usable = next((engine for engine in engines if engine.problem is None), None)
    # The script asks for these places in this order: rootful, rootless, Docker's.
    place = 0
    if usable is not None:
        place = 1 if usable.socket.startswith("/run/user/") else 2 if usable.engine == "docker" else 0
    return sizes[min(place, len(sizes) - 1)] if sizes else None


def temperature(said: Answers) -> float | None:
    """The hottest CPU sensor, else the first one; the kernel counts in thousandths."""
    known: list[tuple[str, float]] = []
    for reading in said.all("heat"):
        value, _, kind = reading.partition(" ")
        thousandths = number(value)
        if thousandths is not None and 0 < thousandths < 150_000:
            known.append((kind.strip(), thousandths / 1000))
    on_cpu = [degrees for kind, degrees in known if kind in _CPU_SENSORS]
    if on_cpu:
        return max(on_cpu)
    return known[0][1] if known else None


def throttled(said: Answers) -> int | None:
    """The bit mask of a Raspberry Pi's firmware (vcgencmd get_throttled)."""
    found = _MASK.fullmatch(said.first("throttled") or said.first("throttled.sysfs") or "")
    return int(found[1], 16) if found else None


def kibibytes(text: str | None) -> int | None:
    """A size such as `1024 kB`, in bytes."""
    kilos = number((text or "").split()[0] if (text or "").split() else None)
    return None if kilos is None else int(kilos) * 1024


def number(text: str | None) -> float | None:
    """A number as a kernel writes it; anything else that Python takes for one, such as `inf`, is none."""
    return float(text) if text and _NUMBER.fullmatch(text) else None
