"""The header of a node's own program, which says for which architecture its user land is. Pure."""

from __future__ import annotations

from farm import elf


def architecture(header: str) -> str | None:
    """The OCI architecture of a program whose first 20 bytes are given in hexadecimal; None if it is none we know."""
    try:
        program = elf.read(bytes.fromhex(header))
    except ValueError:
        return None
    return program.architecture if program and program.architecture in elf.ARCHITECTURES else None
