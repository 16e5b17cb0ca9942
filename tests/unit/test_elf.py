"""The headers are those of real programs: Debian's coreutils for each architecture, and Go's and BuildKit's."""

from __future__ import annotations

import pytest

from farm import elf, platforms

# The first 64 bytes as `xxd -p -l 64` prints them, the later fields zeroed where they do not matter.
AMD64 = "7f454c4602010100000000000000000003003e0001000000" + "00" * 40
I386 = "7f454c460101010000000000000000000300030001000000" + "00" * 40
ARM64 = "7f454c460201010000000000000000000300b70001000000" + "00" * 40
RISCV64 = "7f454c460201010000000000000000000300f30001000000" + "00" * 40
PPC64LE = "7f454c460201010000000000000000000300150001000000" + "00" * 40
S390X = "7f454c460202010000000000000000000003001600000001" + "00" * 40
LOONG64 = "7f454c460201010000000000000000000300020101000000" + "00" * 40
MIPS64LE = "7f454c460201010000000000000000000300080001000000" + "00" * 40
# e_flags at byte 36: EABI5 with hard float (Debian armhf), with soft float (Debian armel), and Go's (GOARM=7).
ARMHF = "7f454c460101010000000000000000000300280001000000" + "00" * 12 + "00040005" + "00" * 24
ARMEL = "7f454c460101010000000000000000000300280001000000" + "00" * 12 + "00020005" + "00" * 24
GO_ARM = "7f454c460101010000000000000000000200280001000000" + "00" * 12 + "02000005" + "00" * 24


def program(text: str) -> elf.Program:
    found = elf.read(bytes.fromhex(text))
    assert found
    return found


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (AMD64, "amd64, 64 bit"),
        (I386, "386, 32 bit"),
        (ARM64, "arm64, 64 bit"),
        (RISCV64, "riscv64, 64 bit"),
        (PPC64LE, "ppc64le, 64 bit"),
        (S390X, "s390x, 64 bit"),
        (LOONG64, "loong64, 64 bit"),
        (MIPS64LE, "mips64le, 64 bit"),
        (ARMHF, "arm, EABI5, hard float"),
        (ARMEL, "arm, EABI5"),
        (GO_ARM, "arm, EABI5"),
        ("7f454c4602010100000000000000000003000f2701000000" + "00" * 40, "machine 9999, 64 bit"),
        # x32: 32-bit pointers on an amd64 CPU, an ABI that OCI has no word for.
        ("7f454c4601010100000000000000000003003e0001000000" + "00" * 40, "machine 62, 32 bit"),
    ],
)
def test_the_header_says_the_machine(header: str, words: str) -> None:
    assert str(program(header)) == words


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"#!/bin/sh\n",
        b"\x7fELF",
        b"\x7fELF" + b"\xff" * 60,
        b"MZ" + b"\0" * 62,
        bytes.fromhex(AMD64)[:16] + b"\x01\0" + bytes.fromhex(AMD64)[18:],  # an object file cannot be run
        bytes.fromhex(AMD64)[:16] + b"\x04\0" + bytes.fromhex(AMD64)[18:],  # nor can a core dump
    ],
)
def test_what_is_no_program_is_none(head: bytes) -> None:
    assert elf.read(head) is None


@pytest.mark.parametrize(
    ("header", "platform", "is_native"),
    [
        (AMD64, "linux/amd64", True),
        (AMD64, "linux/amd64/v2", True),
        (AMD64, "linux/386", False),
        (AMD64, "linux/arm64", False),
        (AMD64, "linux/s390x", False),
        (I386, "linux/386", True),
        (I386, "linux/amd64", True),
        (ARM64, "linux/arm64", True),
        (ARM64, "linux/arm/v7", False),
        (ARMHF, "linux/arm/v7", True),
        (ARMHF, "linux/arm/v6", True),
        (ARMHF, "linux/arm/v5", False),
        (ARMHF, "linux/arm64", False),
        (ARMEL, "linux/arm/v5", True),
        (ARMEL, "linux/arm/v7", True),
        (GO_ARM, "linux/arm/v7", True),
        (RISCV64, "linux/riscv64", True),
        (PPC64LE, "linux/ppc64le", True),
        (S390X, "linux/s390x", True),
        (LOONG64, "linux/loong64", True),
        (MIPS64LE, "linux/mips64le", True),
    ],
)
def test_which_program_is_native_to_which_platform(header: str, platform: str, is_native: bool) -> None:
    assert program(header).runs_natively_on(platforms.parse(platform)) is is_native
