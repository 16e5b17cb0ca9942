"""The probe's answer as facts. Pure: a new kind of board is a new case file, not a new code path."""

from __future__ import annotations

import re
from collections.abc import Iterable

from farm.nodes.facts import Facts, FoundEngine
from farm.nodes.probe import answers, binfmt, elf, native, sockets
from farm.nodes.probe.answers import Answers, UnusableAnswerError

# What Debian (dpkg --print-architecture) and Alpine (/etc/apk/arch) call an architecture, where OCI says otherwise.
_PACKAGE_WORDS = {
    "armhf": "arm",
    "armel": "arm",
    "armv7": "arm",
    "aarch64": "arm64",
    "x86_64": "amd64",
    "i386": "386",
    "x86": "386",
    "ppc64el": "ppc64le",
}
_CORES = {
    "0xb76": "ARM1176",
    "0xc07": "Cortex-A7",
    "0xc08": "Cortex-A8",
    "0xc09": "Cortex-A9",
    "0xd03": "Cortex-A53",
    "0xd04": "Cortex-A35",
    "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72",
    "0xd09": "Cortex-A73",
    "0xd0a": "Cortex-A75",
    "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse-N1",
}
# A line of `df -P`: size, used, available, per cent.
_SIZES = re.compile(r"\s(\d{1,18})\s+\d+\s+(\d{1,18})\s+\d+%\s")
_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,9})?")
# Sensors that sit on the CPU; others (battery, ACPI) often hold a constant.
_CPU_SENSORS = ("cpu-thermal", "cpu_thermal", "x86_pkg_temp", "soc_thermal", "soc-thermal", "cpu0-thermal")


def facts(output: str, *, node: str, now: float | None = None) -> Facts:
    """What the script's output says. `now` is the coordinator's clock (Unix time) at which the node read its own.

    Raises UnusableAnswerError where the output is not the script's, is cut short, or lacks the machine.
    """
    said = answers.read(output)
    kernel = said.first("machine")
    if kernel is None:
        raise UnusableAnswerError("it has neither uname nor /proc/sys/kernel/arch to say what machine it is")
    machine = _machine(said, kernel)
    found = sockets.engines(said)
    disk = _disk(said, found)
    memory = dict(said.fields("memory"))
    clock = _number(said.first("clock"))
    return Facts(
        node=node,
        machine=kernel,
        kernel=said.first("kernel") or "",
        userland=said.first("packages") or machine.userland or "",
        cpu_model=_cpu_model(said),
        cpu_count=_cpu_count(said),
        page_size=machine.page_size,
        native=native.native(machine),
        emulated=native.emulated(machine),
        memory_total=_kibibytes(memory.get("MemTotal")) or 0,
        memory_available=_memory_available(memory),
        load=_number((said.first("load") or "").partition(" ")[0]) or 0.0,
        disk_free=disk[1] if disk else None,
        disk_total=disk[0] if disk else None,
        temperature=_temperature(said.all("heat")),
        engines=found,
        # `date` cuts off the fraction, which is half a second on average.
        hostname=said.first("hostname"),
        machine_id=said.first("machine.id"),
        boot_id=said.first("boot.id"),
        clock_skew=round(clock + 0.5 - now, 1) if clock is not None and now is not None else None,
        aarch32=machine.aarch32,
        handlers=machine.handlers,
    )


def _machine(said: Answers, kernel: str) -> native.Machine:
    cpu = list(said.fields("cpu"))
    parts = [value for name, value in cpu if name == "CPU part"]
    implementers = [value for name, value in cpu if name == "CPU implementer"]
    packages = said.first("packages")
    aarch32 = said.first("aarch32")
    return native.Machine(
        kernel=kernel,
        userland=_PACKAGE_WORDS.get(packages, packages) if packages else elf.architecture(said.first("elf.self") or ""),
        engine=elf.architecture(said.first("elf.buildkitd") or said.first("elf.dockerd") or ""),
        aarch32=None if aarch32 is None else aarch32 == "yes",
        page_size=_page_size(said.first("page")),
        features=frozenset(next((value for name, value in cpu if name == "flags"), "").split()),
        parts=tuple(zip(implementers, parts, strict=False)),
        handlers=binfmt.handlers(said),
    )


def _page_size(text: str | None) -> int | None:
    """`4096` from getconf, or `KernelPageSize:        4 kB`."""
    if text is None:
        return None
    if ":" in text:
        return _kibibytes(text.partition(":")[2])
    number = _number(text)
    return None if number is None else int(number)


def _cpu_model(said: Answers) -> str:
    cpu = list(said.fields("cpu"))
    board = said.first("board") or next((value for name, value in cpu if name == "Model"), None)
    name = next((value for name, value in cpu if name in ("model name", "uarch")), None)
    core = next((_CORES[value] for name, value in cpu if name == "CPU part" and value in _CORES), None)
    return " ".join((board or name or core or "").replace("\0", "").split())


def _cpu_count(said: Answers) -> int:
    count = _number(said.first("cpus"))
    if count:
        return int(count)
    # "0-3" or "0,2-3"
    spans = re.findall(r"\b(\d{1,5})(?:-(\d{1,5}))?\b", said.first("cpus.online") or "")
    return sum(int(last or first) - int(first) + 1 for first, last in spans) or 1


def _memory_available(memory: dict[str, str]) -> int:
    available = _kibibytes(memory.get("MemAvailable"))
    if available is not None:
        return available
    # Kernels before 3.14, as vendors of boards still ship them, do not say it.
    return (_kibibytes(memory.get("MemFree")) or 0) + (_kibibytes(memory.get("Cached")) or 0)


def _disk(said: Answers, found: Iterable[FoundEngine]) -> tuple[int, int] | None:
    """Total and free bytes where the first usable engine keeps its cache: rootless ones have it in the home."""
    sizes = [(int(size[1]) * 1024, int(size[2]) * 1024) for line in said.all("disk") if (size := _SIZES.search(line))]
    usable = next((engine for engine in found if engine.problem is None), None)
    # The script asks for these places in this order: rootful, rootless, Docker's.
    place = 0
    if usable is not None:
        place = 1 if usable.socket.startswith("/run/user/") else 2 if usable.engine == "docker" else 0
    return sizes[min(place, len(sizes) - 1)] if sizes else None


def _temperature(readings: Iterable[str]) -> float | None:
    """The hottest CPU sensor, else the first one; the kernel counts in thousandths."""
    known: list[tuple[str, float]] = []
    for reading in readings:
        value, _, kind = reading.partition(" ")
        number = _number(value)
        if number is not None and 0 < number < 150_000:
            known.append((kind.strip(), number / 1000))
    on_cpu = [degrees for kind, degrees in known if kind in _CPU_SENSORS]
    if on_cpu:
        return max(on_cpu)
    return known[0][1] if known else None


def _kibibytes(text: str | None) -> int | None:
    number = _number((text or "").split()[0] if (text or "").split() else None)
    return None if number is None else int(number) * 1024


def _number(text: str | None) -> float | None:
    """A number as a kernel writes it; anything else that Python takes for one, such as `inf`, is none."""
    return float(text) if text and _NUMBER.fullmatch(text) else None
