from __future__ import annotations

from farm.build import progress, transcript
from farm.build.steps import Steps
from farm.platforms import Platform
from farm.report import plain
from farm.report.events import Event, LogLine, StepFinished, StepStarted
from tests.unit.build import recorded

ARM64 = Platform("linux", "arm64")


def events(name: str) -> list[Event]:
    steps = Steps()
    return [
        progress.event(change, steps, node="pi4", platform=ARM64)
        for line in recorded.lines(name)
        for change in steps.feed(line) or ()
    ]


def test_events_say_whose_they_are_and_count_as_they_go() -> None:
    found = [event for event in events("step_failed") if "RUN" in getattr(event, "step", "")]
    fine, fails = "[2/3] RUN echo fine", "[3/3] RUN echo about to fail; echo 'what went wrong' >&2; exit 7"
    began, printed, ended, *rest = found
    assert began == StepStarted(node="pi4", platform=ARM64, step=fine)
    assert printed == LogLine(node="pi4", platform=ARM64, step=fine, text="fine")
    assert isinstance(ended, StepFinished)
    assert (ended.step, ended.was_cached, ended.error, ended.cached, ended.total) == (fine, False, None, 0, 2)
    last = rest[-1]
    assert isinstance(last, StepFinished)
    assert (last.step, last.total) == (fails, 2)
    assert last.error is not None
    assert last.error.endswith("did not complete successfully: exit code: 7")


def test_counters_of_a_cached_build_reach_the_total() -> None:
    finished = [event for event in events("cached") if isinstance(event, StepFinished)]
    assert (finished[-1].cached, finished[-1].total) == (4, 4)


def test_the_log_reads_well() -> None:
    _, changes = recorded.read("step_failed")
    text = [transcript.line(change) for change in changes]
    assert text[-5:] == [
        "< [2/3] RUN echo fine: 0.1 s",
        "> [3/3] RUN echo about to fail; echo 'what went wrong' >&2; exit 7",
        "[3/3] what went wrong",
        "[3/3] about to fail",
        (
            "< [3/3] RUN echo about to fail; echo 'what went wrong' >&2; exit 7: failed: process "
            "\"/bin/sh -c echo about to fail; echo 'what went wrong' >&2; exit 7\" "
            "did not complete successfully: exit code: 7"
        ),
    ]
    _, cached = recorded.read("cached")
    assert "< [build 2/4] WORKDIR /src: cached" in [transcript.line(change) for change in cached]


def test_a_cached_step_is_one_line_of_plain_progress() -> None:
    lines = [line for event in events("cached") if (line := plain.line(event)) and ("RUN" in line or "COPY" in line)]
    assert len(lines) == 3
    assert all(line.endswith(": cached") for line in lines)
