"""The end of a run of several images: what is there, what is not and why, and plan against fact."""

from __future__ import annotations

import io

import pytest

from farm.errors import BuildFailedError, FarmError
from farm.platforms import parse
from farm.report import run_summary, summary
from farm.report.outcome import Attempt, Built, Failed, Outcome
from farm.report.report import Report
from farm.report.run_report import Course, RunReport, Span

AMD64, ARM64 = parse("linux/amd64"), parse("linux/arm64")
DIGEST = "sha256:" + "1234567890abcdef" * 4
TRY = Attempt(node="pi4", kind=None, reason="built", seconds=3)
LOST = Attempt(node="pi4", kind="node_lost", reason="the link died", seconds=3)


def built(platform: str, *before: Attempt) -> Built:
    return Built(
        platform=parse(platform),
        node="pi4",
        engine="buildkitd 0.34",
        digest=DIGEST,
        pushed=DIGEST,
        attempts=(*before, TRY),
        seconds=3,
        cached=1,
        total=3,
        sent=0,
    )


def report(name: str, *outcomes: Outcome, error: FarmError | None = None, unchanged: bool = False) -> Report:
    return Report(
        run="r",
        logs=f"/logs/{name}",
        target=".",
        references=(f"reg.lan:5000/{name}:1.2", f"reg.lan:5000/{name}:1"),
        index=None if error else DIGEST,
        output=None,
        outcomes=outcomes,
        stages={},
        seconds=65,
        missing={},
        error=error,
        name=name,
        unchanged=unchanged,
    )


FAILURE = BuildFailedError("linux/arm64 could not be built", fix="see the log")
JAEGER = report("jaeger", built("linux/amd64"), built("linux/arm64", LOST))
ALERT = report("alert", built("linux/amd64"), Failed(platform=ARM64, attempts=(LOST,), seconds=3), error=FAILURE)


def run(*reports: Report, courses: tuple[Course, ...] = ()) -> RunReport:
    return RunReport(run="r", logs="/logs", reports=reports, seconds=90, courses=courses)


def shown(run_report: RunReport) -> list[str]:
    stream = io.StringIO()
    run_summary.show(run_report, stream)
    assert "\x1b" not in stream.getvalue()
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def test_a_line_for_each_image_then_its_failed_tries_and_the_whole() -> None:
    lines = shown(run(JAEGER, ALERT))
    assert [line.split()[:6] for line in lines[1:3]] == [
        ["+", "jaeger", "2/2", "1", "min", "05"],
        ["!", "alert", "1/2", "1", "min", "05"],
    ]
    assert lines[1].endswith(f"3      {DIGEST}  reg.lan:5000/jaeger:1.2,1")
    assert lines[2].endswith("2      -                                                                        -")
    assert lines[3:] == [
        "  jaeger linux/arm64 try 1 on pi4: node_lost: the link died",
        "  alert linux/arm64 try 1 on pi4: node_lost: the link died",
        "took   1 min 30 s; 1 of 2 images done",
    ]


def test_what_has_not_changed_is_said() -> None:
    assert shown(run(report("jaeger", built("linux/amd64"), unchanged=True), ALERT))[1].endswith("nothing new")


def test_plan_against_fact_stands_before_the_end() -> None:
    course = Course(
        target="jaeger",
        platform=AMD64,
        planned=Span(node="z1", start=0, end=50),
        actual=Span(node="z2", start=0, end=60),
    )
    assert shown(run(JAEGER, ALERT, courses=(course,)))[-3:] == [
        "plan   planned 50 s, took 1 min 00 s (20 % longer)",
        "       jaeger linux/amd64 ran on z2, not z1",
        "took   1 min 30 s; 1 of 2 images done",
    ]


def test_the_only_image_of_a_run_is_shown_as_ever() -> None:
    stream = io.StringIO()
    summary.show(JAEGER, stream)
    assert shown(run(JAEGER)) == [line.rstrip() for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("reports", "targets", "logs"),
    [
        ((JAEGER, ALERT), [("alert",)], ["/logs/alert"]),
        ((JAEGER, ALERT, report("base", error=FAILURE)), [("alert", "base")], ["/logs"]),
        ((ALERT, report("base", error=FAILURE)), [()], ["/logs"]),
        ((ALERT, report("base", error=FarmError("gone"))), [("alert",), ("base",)], ["/logs/alert", "/logs/base"]),
        ((JAEGER,), [], []),
    ],
)
def test_every_error_is_told_once_and_of_whom(
    reports: tuple[Report, ...], targets: list[tuple[str, ...]], logs: list[str]
) -> None:
    troubles = list(run_summary.troubles(run(*reports)))
    assert [trouble.targets for trouble in troubles] == targets
    assert [trouble.logs for trouble in troubles] == logs


def test_an_error_line_names_its_targets() -> None:
    assert summary.error_lines(FAILURE, "/logs", targets=("alert", "base"))[0] == (
        "error: alert, base: linux/arm64 could not be built"
    )
