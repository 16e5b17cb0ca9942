"""For which machine a program was made, from the first bytes of its ELF file.

Sources: the System V ABI's ELF header (e_ident, e_machine), glibc's elf.h for the numbers, and the ARM ELF supplement
for e_flags (EABI version in the top byte, 0x400 for hard float).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from farm.platforms import Platform

HEADER = 64
"""How many bytes of a file are enough to judge it."""

_ARM = 40
_MACHINES = {
    (3, 32, "little"): "386",
    (8, 64, "little"): "mips64le",
    (21, 64, "little"): "ppc64le",
    (22, 64, "big"): "s390x",
    (_ARM, 32, "little"): "arm",
    (62, 64, "little"): "amd64",
    (183, 64, "little"): "arm64",
    (243, 64, "little"): "riscv64",
    (258, 64, "little"): "loong64",
}
ARCHITECTURES = frozenset(_MACHINES.values())
"""Those that have a name in OCI's words."""
_EXECUTABLE, _SHARED = 2, 3
_HARD_FLOAT = 0x400


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """An ELF executable (or shared object). `architecture` is OCI's word, or `machine N` where OCI has none."""

    architecture: str
    bits: int
    eabi: int = 0
    is_hard_float: bool = False

    def __str__(self) -> str:
        if self.architecture != "arm":
            return f"{self.architecture}, {self.bits} bit"
        return f"arm, EABI{self.eabi}{', hard float' if self.is_hard_float else ''}"

    def runs_natively_on(self, platform: Platform) -> bool:
        """Whether every machine of this platform runs the program without emulation.

        An amd64 CPU runs 386 programs, as Docker's own platform matching assumes; not every arm64 CPU runs 32-bit
        arm. The header does not tell arm/v6 from arm/v7, but arm/v5 (Debian's armel) has no hard float.
        """
        if self.architecture == "arm" and platform.variant == "v5" and self.is_hard_float:
            return False
        if (self.architecture, platform.architecture) == ("386", "amd64"):
            return True
        return self.architecture == platform.architecture


def read(head: bytes) -> Program | None:
    """The program whose first HEADER bytes these are; None where they are not those of an ELF program."""
    if len(head) < 20 or head[:4] != b"\x7fELF" or head[4] not in (1, 2) or head[5] not in (1, 2):
        return None
    bits = 32 if head[4] == 1 else 64
    order = "little" if head[5] == 1 else "big"
    mark = "<" if order == "little" else ">"
    kind, machine = struct.unpack_from(f"{mark}HH", head, 16)
    if kind not in (_EXECUTABLE, _SHARED):
        return None
    name = _MACHINES.get((machine, bits, order), f"machine {machine}")
    if machine != _ARM or len(head) < 40:
        return Program(architecture=name, bits=bits)
    flags = struct.unpack_from(f"{mark}I", head, 36)[0]
    return Program(architecture=name, bits=bits, eabi=flags >> 24, is_hard_float=bool(flags & _HARD_FLOAT))
