"""Which platforms a node runs by itself, and which only through an emulator. Pure.

Nothing in BuildKit tells the two apart, so it is worked out from what the kernel, the userland and the CPU say.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass

from farm.nodes.probe.binfmt import Handler
from farm.platforms import KNOWN_ARCHITECTURES, Platform

# `uname -m` -> OCI architecture of the kernel itself.
_KERNELS = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    # What an arm64 kernel says to a shell that asked for the 32-bit personality.
    "armv8l": "arm64",
    "armv7l": "arm",
    "armv6l": "arm",
    "i686": "386",
    "i586": "386",
    "riscv64": "riscv64",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "loongarch64": "loong64",
    "mips64": "mips64le",
}
_COMPATIBLE = {"amd64": "386", "arm64": "arm"}
_ARM_VARIANTS = ("v7", "v6")
# The x86-64 psABI's levels, as /proc/cpuinfo spells their features (pni is SSE3, abm holds LZCNT).
_AMD64_LEVELS = (
    ("v2", frozenset(["cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3"])),
    ("v3", frozenset(["avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"])),
    ("v4", frozenset(["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"])),
)
# CPU implementer and part -> whether its user programs may be 32-bit (ARM's technical reference manuals). Asked only
# where the node has neither setarch nor linux32, so the parts that are found on boards are enough.
_AARCH32_PARTS = {
    ("0x41", "0xd03"): True,  # Cortex-A53
    ("0x41", "0xd04"): True,  # Cortex-A35
    ("0x41", "0xd05"): True,  # Cortex-A55
    ("0x41", "0xd07"): True,  # Cortex-A57
    ("0x41", "0xd08"): True,  # Cortex-A72
    ("0x41", "0xd09"): True,  # Cortex-A73
    ("0x41", "0xd0a"): True,  # Cortex-A75
    ("0x41", "0xd0b"): True,  # Cortex-A76
    ("0x41", "0xd0c"): True,  # Neoverse N1
}
_ARM_COMPAT_PAGE = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What decides: the kernel's machine, the architectures of the userland and of the engine's program (None where
    unknown), whether 32-bit ARM programs run (None where the node could not say), page size in bytes, the x86 features,
    the ARM parts, and the emulators.
    """

    kernel: str
    userland: str | None = None
    engine: str | None = None
    aarch32: bool | None = None
    page_size: int | None = None
    features: Set[str] = frozenset()
    parts: Iterable[tuple[str, str]] = ()
    handlers: tuple[Handler, ...] = ()


def architecture(kernel: str) -> str | None:
    """The OCI architecture of a kernel that calls its machine so; None where farm does not know it."""
    return _KERNELS.get(kernel)


def native(machine: Machine) -> tuple[Platform, ...]:
    """The platforms that run on the CPU itself, the node's own first.

    An architecture with an emulator is not among them even if the CPU could run it: the kernel asks the handlers first.
    """
    own = architecture(machine.kernel)
    if own is None:
        return ()
    emulated = {handler.architecture for handler in machine.handlers}
    # A handler for the kernel's own architecture would start itself for ever, so there is none in earnest.
    architectures = [each for each in _run_by(own, machine) if each == own or each not in emulated]
    return tuple(platform for each in architectures for platform in _variants(each, machine))


def emulated(machine: Machine) -> tuple[Platform, ...]:
    """The platforms that an emulator runs, in containers too, and that are not native."""
    by_itself = native(machine)
    own = architecture(machine.kernel)
    found: dict[Platform, None] = {}
    for handler in machine.handlers:
        if not handler.in_containers or handler.architecture == own or handler.architecture not in KNOWN_ARCHITECTURES:
            continue
        for variant in _ARM_VARIANTS if handler.architecture == "arm" else ("",):
            found[Platform("linux", handler.architecture, variant)] = None
    return tuple(platform for platform in found if platform not in by_itself)


def _run_by(own: str, machine: Machine) -> tuple[str, ...]:
    """The architectures that kernel, userland and CPU agree on, before emulators are looked at."""
    small = _COMPATIBLE.get(own)
    if small is None:
        return (own,)
    # With a 32-bit engine, its container runtime's system call filter knows only 32-bit programs. A userland that the
    # kernel cannot run itself is an emulated one and says nothing.
    decisive = next((each for each in (machine.engine, machine.userland) if each in (own, small)), own)
    if decisive == small:
        return (small,)
    return (own, small) if _runs_small(own, machine) else (own,)


def _runs_small(own: str, machine: Machine) -> bool:
    if own != "arm64":
        return True
    if machine.page_size not in (None, _ARM_COMPAT_PAGE):
        # Kernels with larger pages run few 32-bit ARM programs: most are laid out for pages of 4 KiB.
        return False
    if machine.aarch32 is not None:
        return machine.aarch32
    parts = set(machine.parts)
    return bool(parts) and all(_AARCH32_PARTS.get(part, False) for part in parts)


def _variants(each: str, machine: Machine) -> tuple[Platform, ...]:
    if each == "arm":
        variants = ("v6",) if machine.kernel == "armv6l" else _ARM_VARIANTS
        return tuple(Platform("linux", "arm", variant) for variant in variants)
    plain = Platform("linux", each)
    if each != "amd64":
        return (plain,)
    reached = []
    for level, needed in _AMD64_LEVELS:
        if not needed <= machine.features:
            break
        reached.append(Platform("linux", each, level))
    return (plain, *reached)
