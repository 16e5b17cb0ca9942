"""What lies in a node's build cache, as `buildx du --verbose` prints it. Pure.

buildx rounds: a size to four digits, an age to what a person says (`3 days`, from two weeks on `2 weeks`). So an age is
at least what is read here, and a sum of sizes is about right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# What buildx keeps although it is not in use, but for --all (BuildKit, client/diskusage.go).
_KEPT = ("internal", "frontend")
_ID = re.compile(r"\w{20,}")
_SIZE = re.compile(r"([0-9.]+(?:e\+?[0-9]+)?)([kMGTPEZY]?)B")
_POWERS = {unit: 1000**power for power, unit in enumerate(["", "k", "M", "G", "T", "P", "E", "Z", "Y"])}
_AGE = re.compile(r"(About an?|[0-9]+) (second|minute|hour|day|week|month|year)s? ago")
_SECONDS = {
    "second": 1.0,
    "minute": 60.0,
    "hour": 3600.0,
    "day": 86400.0,
    "week": 7 * 86400.0,
    "month": 30 * 86400.0,
    "year": 365 * 86400.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One piece of the cache: its size in bytes, and for how many seconds at least nobody has used it.

    `in_use` by a build or by another piece that is; `shared` with an image of the node, so that its removal frees
    nothing; `is_kept` by a pruning that does not ask for all.
    """

    size: int
    age: float
    in_use: bool = False
    shared: bool = False
    is_kept: bool = False


def parse(lines: Iterable[str]) -> tuple[Record, ...]:
    """Every record; the sums below them are left out."""
    return tuple(_record(fields) for fields in _blocks(lines))


def read_size(text: str) -> int | None:
    """The bytes in a size as buildx writes it (`812B`, `1.234GB`), None for anything else."""
    match = _SIZE.fullmatch(text.strip())
    return round(float(match[1]) * _POWERS[match[2]]) if match else None


def _blocks(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    """The first value of each key: a description may have lines of its own, and stands behind what is read here."""
    block: dict[str, str] = {}
    for line in lines:
        key, colon, value = line.partition(":")
        if not colon:
            continue
        if key == "ID" and _ID.fullmatch(value.strip()):
            if block:
                yield block
            block = {"ID": value.strip()}
        elif block:
            block.setdefault(key, value.strip())
    if block:
        yield block


def _record(fields: dict[str, str]) -> Record:
    return Record(
        size=read_size(fields.get("Size", "")) or 0,
        age=_age(fields.get("Last used", "")),
        in_use=fields.get("Reclaimable") == "false",
        shared=fields.get("Shared") == "true",
        is_kept=fields.get("Type") in _KEPT,
    )


def _age(text: str) -> float:
    """Since the last use; what was never used is older than anything (BuildKit, cache/manager.go)."""
    if not text:
        return float("inf")
    match = _AGE.fullmatch(text)
    if match is None:
        return 0.0
    return (1.0 if match[1].startswith("About") else float(match[1])) * _SECONDS[match[2]]
