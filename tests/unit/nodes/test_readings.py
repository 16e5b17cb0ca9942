"""What boards of different makes say of their memory, heat and disk, and how much a small look at them takes of it."""

from __future__ import annotations

import pytest

from farm.nodes import readings
from farm.nodes.benchmark import seconds
from farm.nodes.facts import FoundEngine
from farm.nodes.probe import answers
from farm.nodes.probe.answers import Answers, UnusableAnswerError
from farm.nodes.sample.parse import sample
from farm.nodes.sample.sample import Sample

DISKS = "disk=Filesystem 1024-blocks Used Available Capacity Mounted on\n" + "".join(
    f"/dev/sda{number} 1000 {1000 - free} {free} 50% /disk{number}\n" for number, free in enumerate((100, 200, 300))
)


def answer(lines: str) -> str:
    return f"Welcome!\nfarm-probe begin\n{lines.rstrip()}\nfarm-probe end\n"


def said(lines: str) -> Answers:
    return answers.read(answer(lines))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("heat=26800 acpitz\nheat=61000 soc_dts0\nheat=62000 soc_dts1", 62.0),  # a z3735f
        ("heat=48686 cpu-thermal", 48.686),
        ("heat=26800 acpitz", 26.8),
        ("heat=-5000 cpu-thermal\nheat=200000 cpu-thermal\nheat=hot cpu-thermal", None),
        ("load=1", None),
    ],
)
def test_temperature(lines: str, expected: float | None) -> None:
    assert readings.temperature(said(lines)) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("throttled=throttled=0x50005", 0x50005),
        ("throttled.sysfs=80008", 0x80008),
        ("throttled=VCHI initialization failed", None),
        ("load=1", None),
    ],
)
def test_throttled(lines: str, expected: int | None) -> None:
    assert readings.throttled(said(lines)) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("memory=MemFree: 100 kB\nmemory=MemAvailable: 300 kB\nmemory=Cached: 50 kB", 300 * 1024),
        ("memory=MemFree: 100 kB\nmemory=Cached: 50 kB", 150 * 1024),  # a vendor's kernel 3.10
        ("memory=MemAvailable: lots", 0),
    ],
)
def test_memory(lines: str, expected: int) -> None:
    assert readings.memory_available(said(lines)) == expected


@pytest.mark.parametrize(
    ("engines", "free"),
    [
        ((), 100),
        ((FoundEngine(engine="buildkitd", socket="/run/buildkit/buildkitd.sock"),), 100),
        ((FoundEngine(engine="buildkitd", socket="/run/user/1000/buildkit/buildkitd.sock"),), 200),
        ((FoundEngine(engine="docker", socket="/var/run/docker.sock"),), 300),
        (
            (
                FoundEngine(engine="buildkitd", socket="/run/buildkit/buildkitd.sock", problem="frozen"),
                FoundEngine(engine="docker", socket="/var/run/docker.sock"),
            ),
            300,
        ),
    ],
)
def test_the_disk_is_that_of_the_engine_that_builds(engines: tuple[FoundEngine, ...], free: int) -> None:
    assert sample(answer(DISKS), engines).disk_free == free * 1024


def test_a_whole_look() -> None:
    lines = (
        "memory=MemTotal:        1937000 kB\nmemory=MemAvailable:    1000000 kB\nload=1.50 1.20 1.00 2/300 4567\n"
        f"heat=71000 x86_pkg_temp\nthrottled.sysfs=0\nslowed=3\nslowed=4\nslowed=?\n{DISKS}"
    )
    assert sample(answer(lines), ()) == Sample(
        memory_total=1_937_000 * 1024,
        memory_available=1_000_000 * 1024,
        load=1.5,
        temperature=71.0,
        throttled=0,
        slowed=7,
        disk_free=100 * 1024,
    )


def test_a_node_that_can_say_nothing() -> None:
    assert sample(answer(""), ()) == Sample()


@pytest.mark.parametrize("output", ["", "This account is not available.", "farm-probe begin\nload=1\n"])
def test_no_answer(output: str) -> None:
    with pytest.raises(UnusableAnswerError):
        sample(output, ())
    assert seconds(output) is None


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("times=\n0m0.000000s 0m0.000000s\n0m0.150000s 0m0.030000s", 0.18),  # dash
        ("times=\n0m0.002s 0m0.000s\n1m1.5s 0m0.5s", 62.0),  # bash, on something very slow
        ("times=\n0m0.00s 0m0.00s\n0m0.00s 0m0.00s", None),
        ("times=\n0m0,00s 0m0,00s\n0m0,15s 0m0,03s", None),
        ("times=\n0m0.002s 0m0.000s", None),
        ("", None),
    ],
)
def test_the_benchmark_s_time(lines: str, expected: float | None) -> None:
    found = seconds(answer(lines))
    assert found == (None if expected is None else pytest.approx(expected))
