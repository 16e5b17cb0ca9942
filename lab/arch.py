"""The CPU architectures that a lab knows, under the names that each tool gives them."""

import platform
from dataclasses import dataclass

from lab.errors import LabError


@dataclass(frozen=True, slots=True, kw_only=True)
class Arch:
    """One architecture.

    ``magic`` and ``mask`` are the first 20 bytes of its ELF programs as the kernel's binfmt_misc wants them: class,
    byte order, type (EXEC or DYN) and machine, from the ELF specification's table of ``e_machine``.
    """

    platform: str
    debian: str
    machine: str
    qemu: str
    magic: bytes
    mask: bytes


def _magic(elf_class: int, e_machine: int) -> bytes:
    return b"\x7fELF" + bytes([elf_class, 1, 1]) + bytes(9) + b"\x02\x00" + e_machine.to_bytes(2, "little")


# The operating system's byte is left open, and type 2 (EXEC) also stands for 3 (DYN): its lowest bit is masked away.
_MASK = b"\xff" * 7 + b"\x00" + b"\xff" * 8 + b"\xfe\xff\xff\xff"

AMD64 = Arch(
    platform="linux/amd64", debian="amd64", machine="x86_64", qemu="qemu-x86_64", magic=_magic(2, 62), mask=_MASK
)
ARM64 = Arch(
    platform="linux/arm64", debian="arm64", machine="aarch64", qemu="qemu-aarch64", magic=_magic(2, 183), mask=_MASK
)
ARMV7 = Arch(
    platform="linux/arm/v7", debian="armhf", machine="armv7l", qemu="qemu-arm", magic=_magic(1, 40), mask=_MASK
)

ALL = (AMD64, ARM64, ARMV7)


def of_platform(name: str) -> Arch:
    """The architecture of a platform such as ``linux/arm/v7``; LabError names those that the lab has."""
    for arch in ALL:
        if arch.platform == name:
            return arch
    known = ", ".join(arch.platform for arch in ALL)
    raise LabError(f"the lab has no platform {name!r}; it has {known}")


def host() -> Arch:
    """This machine's own architecture; LabError where the lab does not know it."""
    machine = platform.machine()
    for arch in ALL:
        if arch.machine == machine or (arch is ARMV7 and machine == "armv8l"):
            return arch
    raise LabError(f"the lab runs on {', '.join(arch.machine for arch in ALL)}, and this machine is {machine}")
