"""The chart of a schedule: bars in proportion, whatever the width, and no job that nobody sees."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from farm.cli import gantt
from farm.cli.gantt import ASCII, UNICODE, Glyphs
from farm.plan.jobs import Placement
from tests.unit.cli.schedules import placement


def drawn(placements: list[Placement], *, width: int = 40, glyphs: Glyphs = ASCII) -> list[str]:
    return ["".join(piece.text for piece in line) for line in gantt.chart(placements, width=width, glyphs=glyphs)]


# A node's name, its number, a bar and its edge.
_NARROWEST = 12
FOUR = [
    placement("jaeger", "linux/amd64", "z1", 0, 90),
    placement("alert", "linux/amd64", "z1", 90, 180),
    placement("jaeger", "linux/arm64", "pi4", 0, 60),
    placement("alert", "linux/arm64", "pi4", 120, 170),
]


def test_a_line_for_each_node_and_bars_in_proportion() -> None:
    assert drawn(FOUR) == [
        "     0          1 min       2 min",
        "     |          |           |",
        "pi4  |jaeger----|           |alert---|",
        "z1   |jaeger amd64----|alert amd64-----|",
    ]


def test_other_characters_where_the_terminal_has_them() -> None:
    assert drawn(FOUR, glyphs=UNICODE)[2].startswith("pi4  │jaeger─")


def test_jobs_at_once_on_one_node_have_a_line_each() -> None:
    lines = drawn([placement("a", "linux/amd64", "z1", 0, 60), placement("b", "linux/amd64", "z1", 0, 30)])
    assert [line.split("|")[0].strip() for line in lines[2:]] == ["z1", "z1/2"]


def test_a_name_that_does_not_fit_is_cut() -> None:
    (bar,) = drawn([placement("node-exporter", "linux/amd64", "z1", 0, 60)], width=15)[2:]
    assert bar == "z1  |node-exp.|"
    (bar,) = drawn([placement("a", "linux/amd64", "a-board-in-the-cellar", 0, 60)], width=40)[2:]
    assert bar.startswith("a-board-in-the-.  |a amd64--")


def test_the_only_image_of_a_run_needs_no_name() -> None:
    (bar,) = drawn([placement("", "linux/arm/v7", "pi4", 0, 60)], width=20)[2:]
    assert bar == "pi4  |arm/v7-------|"


def test_jobs_that_are_too_short_to_be_read_are_counted_together() -> None:
    short = [placement(f"image-{n}", "linux/amd64", "z1", n, n + 1) for n in range(80)]
    (line,) = drawn(short, width=80)[2:]
    assert sum(int(number) for number in re.findall(r"x(\d+)", line)) == 80


def test_nothing_to_draw() -> None:
    assert drawn([]) == []
    assert drawn([placement("a", "linux/amd64", "z1", 0, 0)]) == []


@pytest.mark.parametrize(
    ("span", "times"),
    [
        (8, ["0", "5 s"]),
        (90, ["0", "30 s", "1 min"]),
        (270, ["0", "2 min"]),
        (9000, ["0", "1 h", "2 h"]),
        (400_000, ["0", "48 h", "96 h"]),
    ],
)
def test_the_axis_has_round_times(span: float, times: list[str]) -> None:
    axis = drawn([placement("a", "linux/amd64", "z1", 0, span)])[0]
    assert re.split(r"\s{2,}", axis.strip()) == times


@given(
    jobs=some.lists(
        some.tuples(some.sampled_from(["z1", "z2"]), some.floats(0, 1e5), some.floats(0, 1e5)), max_size=40
    ),
    width=some.integers(1, 200),
)
def test_no_chart_is_too_wide_and_none_fails(jobs: list[tuple[str, float, float]], width: int) -> None:
    placements = [placement(f"t{n}", "linux/amd64", node, at, at + takes) for n, (node, at, takes) in enumerate(jobs)]
    for line in drawn(placements, width=width):
        assert len(line) <= max(width, _NARROWEST)
