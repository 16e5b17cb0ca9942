"""What lies in a build cache as buildx lists it, and how much of it goes."""

from __future__ import annotations

import pytest

from farm.build import cache_bounds, cache_records, commands
from farm.build.cache_bounds import Bounds, Cut, Disk
from farm.build.cache_records import Record

# What buildx 0.13.1 prints (with tabs) and 0.38.2 (with spaces), cut short.
LISTS = {
    "0.13.1": """\
ID:\t\tsrz19nv2tovyzjj5t6ec2bsm2
Created at:\t2026-11-24 14:33:50.774907522 +0000 UTC
Mutable:\ttrue
Reclaimable:\ttrue
Shared:\t\tfalse
Size:\t\t5.005MB
Description:\tmount / from exec /bin/sh -c make
Usage count:\t1
Last used:\t3 days ago
Type:\t\tregular

ID:\t\tk0g3kzm5uxsc1vun8nxcll9er
Reclaimable:\tfalse
Shared:\t\ttrue
Size:\t\t8.192kB
Description:\tRUN cat <<EOF
ID: of no record
Size: 9GB
Last used:\tAbout an hour ago
Type:\t\tfrontend

Reclaimable:\t20.03MB
Total:\t\t20.03MB
""",
    "0.38.2": """\
ID:           srz19nv2tovyzjj5t6ec2bsm2
Created at:   2026-11-24 14:33:50.774907522 +0000 UTC
Mutable:      true
Reclaimable:  true
Shared:       false
Size:         5.005MB
Usage count:  1
Last used:    3 days ago
Type:         regular

ID:           k0g3kzm5uxsc1vun8nxcll9er
Parents:
 - abc
Reclaimable:  false
Shared:       true
Size:         8.192kB
Last used:    About an hour ago
Type:         frontend

Shared:\t8.192kB
Private:\t5.005MB
Reclaimable:\t5.005MB
Total:\t5.005MB
""",
}
DAY = 86400.0


@pytest.mark.parametrize("version", LISTS)
def test_the_list_of_every_buildx_is_read(version: str) -> None:
    assert cache_records.parse(LISTS[version].splitlines()) == (
        Record(size=5_005_000, age=3 * DAY),
        Record(size=8192, age=3600, in_use=True, shared=True, is_kept=True),
    )
    assert cache_records.parse(["Reclaimable:\t0B", "Total:\t0B"]) == ()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Less than a second ago", 0),
        ("1 second ago", 1),
        ("About a minute ago", 60),
        ("47 hours ago", 47 * 3600),
        ("2 weeks ago", 14 * DAY),
        ("3 months ago", 90 * DAY),
        ("something new", 0),
        ("", float("inf")),
    ],
)
def test_ages_are_at_least_what_is_said(text: str, seconds: float) -> None:
    lines = ["ID: srz19nv2tovyzjj5t6ec2bsm2", *([f"Last used: {text}"] if text else [])]
    (record,) = cache_records.parse(lines)
    assert record.age == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [("0B", 0), ("812B", 812), ("1.234GB", 1_234_000_000), ("1e+03kB", 1_000_000), ("a bit", None), ("", None)],
)
def test_sizes(text: str, size: int | None) -> None:
    assert cache_records.read_size(text) == size


MB = 1_000_000
OLD, NEW = Record(size=30 * MB, age=20 * DAY), Record(size=10 * MB, age=3600)
BUSY, SHARED = Record(size=40 * MB, age=20 * DAY, in_use=True), Record(size=50 * MB, age=20 * DAY, shared=True)
FRONTEND = Record(size=5 * MB, age=20 * DAY, is_kept=True)
ALL = (OLD, NEW, BUSY, SHARED, FRONTEND)
DISK = Disk(free=100 * MB, total=1000 * MB, inodes_free=40, inodes_total=1000)


@pytest.mark.parametrize(
    ("bounds", "disk", "first", "then"),
    [
        (Bounds(), DISK, None, None),
        (Bounds(age=14 * DAY), DISK, Cut(reason="unused for too long", until=14 * DAY), None),
        (Bounds(age=DAY, reserved=7), DISK, Cut(reason="unused for too long", until=DAY, keep=7), None),
        (Bounds(all=True), DISK, Cut(reason="not in use", all=True), None),
        (Bounds(filters=("type=regular",)), DISK, Cut(reason="not in use"), None),
        (Bounds(used=50 * MB), DISK, None, Cut(reason="more than 50 MB of cache", keep=50 * MB)),
        (Bounds(used=50 * MB, all=True), DISK, None, Cut(reason="more than 50 MB of cache", keep=50 * MB, all=True)),
        (Bounds(used=85 * MB), DISK, None, None),
        (Bounds(used=10 * MB, reserved=20 * MB), DISK, None, Cut(reason="more than 10 MB of cache", keep=20 * MB)),
        (Bounds(used=0), DISK, None, Cut(reason="more than 0 B of cache", keep=0)),
        (Bounds(free=100 * MB), DISK, None, None),
        (Bounds(free=130 * MB), DISK, None, Cut(reason="less than 130 MB of the disk free", keep=55 * MB)),
        (Bounds(free=130 * MB, used=40 * MB), DISK, None, Cut(reason="more than 40 MB of cache", keep=40 * MB)),
        (Bounds(free=900 * MB), DISK, None, Cut(reason="less than 900 MB of the disk free", keep=0)),
        (Bounds(free=900 * MB), Disk(), None, None),
        (Bounds(inodes=0.05), DISK, Cut(reason="inodes are short", all=True), None),
        (Bounds(inodes=0.05, age=DAY), DISK, Cut(reason="inodes are short", all=True), None),
        (Bounds(inodes=0.04), DISK, None, None),
        (Bounds(inodes=0.05), Disk(free=1, total=2), None, None),
    ],
)
def test_what_goes(bounds: Bounds, disk: Disk, first: Cut | None, then: Cut | None) -> None:
    assert cache_bounds.first(bounds, disk) == first
    assert cache_bounds.then(bounds, disk, ALL) == then


@pytest.mark.parametrize(
    ("cut", "freed"),
    [
        (Cut(reason=""), 40 * MB),
        (Cut(reason="", all=True), 45 * MB),
        (Cut(reason="", until=14 * DAY), 30 * MB),
        (Cut(reason="", until=30 * DAY), 0),
        (Cut(reason="", keep=70 * MB), 15 * MB),
        (Cut(reason="", keep=90 * MB), 0),
        (Cut(reason="", keep=0), 40 * MB),
        (Cut(reason="", keep=0, until=14 * DAY), 30 * MB),
    ],
)
def test_what_that_frees(cut: Cut, freed: int) -> None:
    assert cache_bounds.forecast(cut, ALL) == freed


@pytest.mark.parametrize(
    ("bounds", "is_short"),
    [
        (Bounds(), False),
        (Bounds(free=101 * MB), True),
        (Bounds(free=100 * MB), False),
        (Bounds(inodes=0.05), True),
        (Bounds(used=1), False),
    ],
)
def test_a_disk_that_is_short(bounds: Bounds, is_short: bool) -> None:
    assert cache_bounds.is_short(bounds, DISK) is is_short
    assert not cache_bounds.is_short(bounds, Disk())


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (commands.prune("b", until=1209600.0), ("--filter", "until=1209600s")),
        (commands.prune("b", keep=5, all=True), ("--all", "--reserved-space", "5")),
        (commands.prune("b", keep=0), ()),
        (commands.prune("b", filters=("type=regular", "id=x")), ("--filter", "type=regular", "--filter", "id=x")),
    ],
)
def test_the_commands_that_do_it(argv: commands.Argv, expected: tuple[str, ...]) -> None:
    assert argv == ("prune", "--builder", "b", "--force", *expected)


def test_the_command_that_lists() -> None:
    assert commands.usage("b", ("type=regular",)) == ("du", "--builder", "b", "--verbose", "--filter", "type=regular")
