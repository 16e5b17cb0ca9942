"""The header of an ELF program: for which architecture it is. Pure."""

from __future__ import annotations

# e_machine (offset 18) and class (offset 4: 1 is 32-bit, 2 is 64-bit) -> OCI architecture; numbers from <elf.h>.
_MACHINES = {
    (3, 1): "386",
    (62, 2): "amd64",
    (40, 1): "arm",
    (183, 2): "arm64",
    (243, 2): "riscv64",
    (22, 2): "s390x",
    (258, 2): "loong64",
}
_PPC64 = 21
_MIPS = 8


def architecture(header: str) -> str | None:
    """The OCI architecture of a program whose first 20 bytes are given in hexadecimal; None if it is none we know."""
    try:
        data = bytes.fromhex(header)
    except ValueError:
        return None
    if len(data) < 20 or not data.startswith(b"\x7fELF"):
        return None
    little = data[5] == 1
    machine = int.from_bytes(data[18:20], "little" if little else "big")
    if little and data[4] == 2:
        # The same numbers stand for the big-endian kinds, which have no OCI name in use.
        if machine == _PPC64:
            return "ppc64le"
        if machine == _MIPS:
            return "mips64le"
    return _MACHINES.get((machine, data[4]))
