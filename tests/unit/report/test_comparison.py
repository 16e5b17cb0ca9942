"""Plan against fact."""

from __future__ import annotations

import pytest

from farm.platforms import parse
from farm.report.comparison import compare, lines
from farm.report.run_report import Course, Span

AMD64 = parse("linux/amd64")


def course(
    planned: tuple[str, float, float] | None,
    actual: tuple[str, float, float] | None,
    *,
    target: str = "jaeger",
    is_guess: bool = False,
) -> Course:
    spans = [Span(node=each[0], start=each[1], end=each[2]) if each else None for each in (planned, actual)]
    return Course(target=target, platform=AMD64, planned=spans[0], actual=spans[1], is_guess=is_guess)


def told(*courses: Course) -> list[str]:
    compared = compare(courses)
    assert compared is not None
    return list(lines(compared))


@pytest.mark.parametrize(
    ("took", "line"),
    [
        (100, "planned 1 min 40 s, took 1 min 40 s"),
        (120, "planned 1 min 40 s, took 2 min 00 s (20 % longer)"),
        (75, "planned 1 min 40 s, took 1 min 15 s (25 % less)"),
    ],
)
def test_the_whole(took: float, line: str) -> None:
    assert told(course(("z1", 0, 100), ("z1", 0, took)))[0] == line


def test_what_ran_elsewhere() -> None:
    assert told(course(("z1", 0, 100), ("z2", 0, 300)))[1:] == ["jaeger linux/amd64 ran on z2, not z1"]


@pytest.mark.parametrize(
    ("took", "is_off"),
    [(149, False), (151, True), (99, False), (69, False), (66, True)],
)
def test_what_is_far_off_is_so_by_half_and_not_by_seconds(took: float, is_off: bool) -> None:
    assert bool(told(course(("z1", 0, 100), ("z1", 5, 5 + took)))[1:]) is is_off


def test_a_few_seconds_are_no_matter() -> None:
    assert told(course(("z1", 0, 2), ("z1", 0, 30)))[1:] == []


def test_a_guess_cannot_be_off() -> None:
    assert told(course(("z1", 0, 100), ("z1", 0, 900), is_guess=True)) == [
        "guessed 1 min 40 s, took 15 min 00 s: next time these jobs are known"
    ]


def test_what_failed_is_not_far_off() -> None:
    compared = compare([course(("z1", 0, 100), ("z1", 0, 3))], failed={("jaeger", AMD64)})
    assert compared is not None
    assert compared.off == ()


def test_what_never_began_is_in_neither_number() -> None:
    assert told(course(("z1", 0, 100), ("z1", 0, 100)), course(("z1", 100, 900), None, target="app")) == [
        "planned 1 min 40 s, took 1 min 40 s"
    ]


def test_the_farthest_come_first_and_no_more_than_can_be_read() -> None:
    courses = [course(("z1", 0, 100), ("z1", 0, 200 + n), target=f"image-{n}") for n in range(10)]
    listed = told(*courses)[1:]
    assert listed[0] == "image-9 linux/amd64 took 3 min 29 s on z1, not 1 min 40 s"
    assert listed[8:] == ["2 more jobs far off"]


@pytest.mark.parametrize("courses", [(), (course(None, ("z1", 0, 9)),), (course(("z1", 0, 9), None),)])
def test_without_a_plan_or_without_a_fact_there_is_nothing_to_compare(courses: tuple[Course, ...]) -> None:
    assert compare(courses) is None


def test_a_course_survives_its_document() -> None:
    for each in (course(("z1", 0, 9), ("z2", 1, 11)), course(None, ("z1", 0, 9)), course(("z1", 0, 9), None)):
        assert Course.read(each.document()) == each


@pytest.mark.parametrize("document", [{}, {"planned": None, "actual": None, "target": "a", "platform": "?"}])
def test_what_is_no_course_is_said(document: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Course.read(document)
