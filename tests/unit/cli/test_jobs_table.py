"""The plan of many images, for a person and for scripts."""

from __future__ import annotations

import io

import pytest

from farm.cli import jobs_table
from farm.plan.jobs import Basis, Expected, Key, RunnerUp, Schedule, Skip
from farm.platforms import parse
from tests.unit.cli.schedules import placement

OTHERS = tuple(RunnerUp(node=f"z{n}", end=60.0 * n, reason="cold there") for n in (2, 3, 4))
SCHEDULE = Schedule(
    placements=(
        placement("jaeger", "linux/amd64", "z1", 0, 50, is_warm=True, reason="its cache is warm", runners_up=OTHERS),
        placement("jaeger", "linux/arm64", "pi4", 0, 120, basis="speed"),
        placement("alert", "linux/arm64", "pi4", 120, 185.5, basis="guess"),
    ),
    skipped=(Skip(key=Key("alert", parse("linux/riscv64")), reason="no node builds it"),),
    bound=160.0,
)


def shown(schedule: Schedule) -> list[str]:
    stream = io.StringIO()
    jobs_table.show(schedule, stream)
    assert "\x1b" not in stream.getvalue()
    return stream.getvalue().splitlines()


def test_every_job_has_its_times_its_node_and_its_reason() -> None:
    lines = shown(SCHEDULE)
    assert lines[:7] == [
        "     START         END  NODE  IMAGE   PLATFORM     EXPECTED",
        "     0.0 s        50 s  z1    jaeger  linux/amd64  warm",
        "    its cache is warm; else z2 by 2 min 00 s, z3 by 3 min 00 s (cold there), 1 more",
        "     0.0 s  2 min 00 s  pi4   jaeger  linux/arm64  cold, by speed",
        "    ends first there",
        "2 min 00 s  3 min 06 s  pi4   alert   linux/arm64  a guess",
        "    ends first there",
    ]


def test_the_chart_what_is_not_built_and_the_whole_come_last() -> None:
    lines = shown(SCHEDULE)
    assert [line.split()[0] for line in lines[10:12]] == ["pi4", "z1"]
    assert lines[-2:] == [
        "not built: alert linux/riscv64: no node builds it",
        "3 jobs in 3 min 06 s; no plan could take less than 2 min 40 s; 1 time guessed",
    ]


def test_without_any_job_there_is_no_table() -> None:
    assert shown(Schedule(placements=(), skipped=SCHEDULE.skipped)) == [
        "not built: alert linux/riscv64: no node builds it",
        "nothing to build",
    ]


@pytest.mark.parametrize(
    ("basis", "is_warm", "expected"),
    [
        ("measured", True, "warm"),
        ("measured", False, "cold"),
        ("speed", False, "cold, by speed"),
        ("speed", True, "warm, by speed"),
        ("guess", False, "a guess"),
        ("guess", True, "warm, a guess"),
    ],
)
def test_what_a_time_stands_on(basis: Basis, is_warm: bool, expected: str) -> None:
    assert jobs_table.expectation(Expected(seconds=1, is_warm=is_warm, basis=basis)) == expected


def test_the_document() -> None:
    document = jobs_table.document(SCHEDULE)
    assert (document["makespan"], document["bound"]) == (185.5, 160.0)
    assert document["jobs"][0] == {
        "target": "jaeger",
        "platform": "linux/amd64",
        "node": "z1",
        "start": 0,
        "end": 50,
        "expected": {"seconds": 50, "warm": True, "basis": "measured"},
        "reason": "its cache is warm",
        "runners_up": [{"node": f"z{n}", "end": 60.0 * n, "reason": "cold there"} for n in (2, 3, 4)],
    }
    assert document["skipped"] == [{"target": "alert", "platform": "linux/riscv64", "reason": "no node builds it"}]
