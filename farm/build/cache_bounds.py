"""How much of a node's build cache may stay, and what goes for that. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from farm.build.cache_records import Record
from farm.report import words


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What is wanted. Ages in seconds, sizes in bytes, None for no such bound.

    `age`: what nobody has used for so long goes. `used`: no more than this stays. `free`: cache gives way until so much
    of the disk is free, but `reserved` stays at least. `inodes`: below this share of free inodes (0 to 1) all that is
    not in use goes. `all`: what buildx otherwise keeps goes too and, where nothing else is said, all that is not in
    use. `filters` are buildx's own, each KEY=VALUE: only what fits goes.
    """

    age: float | None = None
    used: int | None = None
    free: int | None = None
    reserved: int | None = None
    inodes: float | None = None
    all: bool = False
    filters: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is wanted."""
        return not (self.age or self.used is not None or self.free or self.inodes or self.all or self.filters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The file system of the cache; None where the node could not say. Sizes in bytes."""

    free: int | None = None
    total: int | None = None
    inodes_free: int | None = None
    inodes_total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One pruning: of what was not used for `until` seconds, down to `keep` bytes, with what buildx keeps if `all`.

    `reason` says in words why.
    """

    reason: str
    until: float | None = None
    keep: int | None = None
    all: bool = False


UNUSED = Cut(reason="not in use")
"""What a full disk calls for."""


def is_short_of_inodes(bounds: Bounds, disk: Disk) -> bool:
    """Whether the file system has so few free inodes that bytes do not matter any more."""
    if bounds.inodes is None or disk.inodes_free is None or not disk.inodes_total:
        return False
    return disk.inodes_free < bounds.inodes * disk.inodes_total


def is_short(bounds: Bounds, disk: Disk) -> bool:
    """Whether the disk has less free than is wanted, in bytes or in inodes."""
    lacks_space = bounds.free is not None and disk.free is not None and disk.free < bounds.free
    return lacks_space or is_short_of_inodes(bounds, disk)


def first(bounds: Bounds, disk: Disk) -> Cut | None:
    """What goes whatever the sizes are: all, where inodes are short or nothing else is said, else what is old."""
    if is_short_of_inodes(bounds, disk):
        return Cut(reason="inodes are short", all=True)
    if bounds.age is not None:
        return Cut(reason="unused for too long", until=bounds.age, keep=bounds.reserved, all=bounds.all)
    if bounds.used is None and bounds.free is None and (bounds.all or bounds.filters):
        return Cut(reason="not in use", all=bounds.all)
    return None


def then(bounds: Bounds, disk: Disk, records: Sequence[Record]) -> Cut | None:
    """What goes after that for the sake of size: `records` and `disk` are what is left. None where all may stay."""
    there = total(records)
    keep = there if bounds.used is None else min(there, bounds.used)
    reason = f"more than {words.size(bounds.used or 0)} of cache" if keep < there else ""
    lacking = (bounds.free or 0) - (disk.free if disk.free is not None else bounds.free or 0)
    if lacking > 0 and there - lacking < keep:
        keep, reason = there - lacking, f"less than {words.size(bounds.free or 0)} of the disk free"
    keep = max(keep, bounds.reserved or 0, 0)
    return Cut(reason=reason, keep=keep, all=bounds.all) if reason and keep < there else None


def going(cut: Cut, records: Sequence[Record]) -> tuple[Record, ...]:
    """The records that a pruning may take."""
    return tuple(
        each
        for each in records
        if not each.in_use and each.age >= (cut.until or 0.0) and (cut.all or not (each.is_kept or each.shared))
    )


def forecast(cut: Cut, records: Sequence[Record]) -> int:
    """The bytes that a pruning frees, about: BuildKit takes whole records, those first that nobody used for longest."""
    most = total(going(cut, records))
    return most if cut.keep is None else min(most, max(0, total(records) - cut.keep))


def total(records: Sequence[Record]) -> int:
    """The bytes that they take of the disk alone: what images of the node share would stay there."""
    return sum(each.size for each in records if not each.shared)
