"""Amounts as people write them."""

from __future__ import annotations

import re

_TIME = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*([smh]?)")
_AGE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([smhdw])")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def seconds(amount: float) -> str:
    """Seconds as `0.4 s`, `12 s`, `3 min 05 s` or `2 h 10 min`."""
    if amount < 9.95:
        return f"{amount:.1f} s"
    whole = round(amount)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def read_seconds(text: str) -> float | None:
    """What a time such as `90`, `90s`, `15m` or `2h` is in seconds; None for anything else, and for no time at all."""
    match = _TIME.fullmatch(text.strip())
    return float(match[1]) * _UNITS[match[2]] or None if match else None


def read_age(text: str) -> float | None:
    """What an age such as `12h`, `30d` or `2w` is in seconds; None for anything else, and for no age at all."""
    match = _AGE.fullmatch(text.strip())
    return float(match[1]) * _UNITS[match[2]] or None if match else None


def size(amount: float) -> str:
    """Bytes as `812 B`, `3.4 MB` or `28 GB`, in powers of 1000 as disks are sold."""
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 999.5:
            return f"{amount:.1f} {unit}" if amount < 9.95 and unit != "B" else f"{amount:.0f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def short(digest: str | None) -> str:
    """A digest cut to what a person compares: `sha256:1a2b3c4d5e6f`."""
    if not digest:
        return "-"
    algorithm, _, value = digest.partition(":")
    return f"{algorithm}:{value[:12]}"


def count(number: int, noun: str) -> str:
    """So many of something: `1 job`, `3 jobs`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
