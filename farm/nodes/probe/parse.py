"""The probe's answer as facts. Pure: a new kind of board is a new case file, not a new code path."""

from __future__ import annotations

import re

from farm.nodes import readings
from farm.nodes.facts import Facts
from farm.nodes.probe import answers, binfmt, elf, native, sockets
from farm.nodes.probe.answers import Answers, UnusableAnswerError
from farm.nodes.readings import kibibytes, number

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
    disk = readings.disk(said, found)
    clock = number(said.first("clock"))
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
        memory_total=readings.memory_total(said),
        memory_available=readings.memory_available(said),
        load=readings.load(said),
        disk_free=disk[1] if disk else None,
        disk_total=disk[0] if disk else None,
        temperature=readings.temperature(said),
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
        return kibibytes(text.partition(":")[2])
    size = number(text)
    return None if size is None else int(size)


def _cpu_model(said: Answers) -> str:
    cpu = list(said.fields("cpu"))
    board = said.first("board") or next((value for name, value in cpu if name == "Model"), None)
    name = next((value for name, value in cpu if name in ("model name", "uarch")), None)
    core = next((_CORES[value] for name, value in cpu if name == "CPU part" and value in _CORES), None)
    return " ".join((board or name or core or "").replace("\0", "").split())


def _cpu_count(said: Answers) -> int:
    count = number(said.first("cpus"))
    if count:
        return int(count)
    # "0-3" or "0,2-3"
    spans = re.findall(r"\b(\d{1,5})(?:-(\d{1,5}))?\b", said.first("cpus.online") or "")
    return sum(int(last or first) - int(first) + 1 for first, last in spans) or 1
