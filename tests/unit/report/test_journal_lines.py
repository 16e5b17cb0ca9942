"""The priority of each line that farm writes, taken from the very lines that it writes."""

from __future__ import annotations

import io
import traceback

import pytest

from farm.errors import UsageError
from farm.platforms import parse
from farm.report import plain, summary
from farm.report.events import (
    AttemptFailed,
    BuildFinished,
    Event,
    LogLine,
    NodeProbed,
    OfTarget,
    StepFinished,
    TargetEnded,
    Warned,
)
from farm.report.journal_lines import JournalStream, is_journal, priority

ARM64 = parse("linux/arm64")
ON_PI4 = {"node": "pi4", "platform": ARM64}


def printed(text: str) -> LogLine:
    return LogLine(node="pi4", platform=ARM64, step="[2/3] RUN make", text=text)


def ended(error: str | None) -> StepFinished:
    return StepFinished(
        node="pi4",
        platform=ARM64,
        step="[2/3] RUN make",
        was_cached=False,
        error=error,
        cached=0,
        total=3,
        seconds=1,
    )


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (printed("error: this is what make prints"), 7),
        (printed("warning: and this"), 7),
        (Warned(message="the clock jumped"), 4),
        (NodeProbed(node="z1", seconds=3, summary="", error="no route"), 4),
        (NodeProbed(node="z1", seconds=3, summary="linux/amd64"), 6),
        (ended("exit code: 2"), 4),
        (ended(None), 6),
        (
            AttemptFailed(
                node="pi4", platform=ARM64, attempt=2, kind="node_lost", reason="silent", next="tries pi5 next"
            ),
            4,
        ),
        (BuildFinished(node="pi4", platform=ARM64, digest=None, seconds=2, cached=1, total=2), 6),
    ],
)
@pytest.mark.parametrize("target", [None, "app@main"])
def test_what_went_wrong_is_told_from_what_went_well(event: Event, expected: int, target: str | None) -> None:
    line = plain.line(event if target is None else OfTarget(target=target, event=event))
    assert line is not None
    assert priority(line) == expected


def test_a_target_that_failed_is_an_error() -> None:
    for error, expected in (("no node for linux/386", 3), (None, 6)):
        line = plain.line(OfTarget(target="app", event=TargetEnded(error=error, seconds=2)))
        assert line is not None
        assert priority(line) == expected


def test_what_nobody_foresaw_is_an_error() -> None:
    try:
        _broken()
    except RuntimeError as error:
        lines = "".join(traceback.format_exception(error)).splitlines()
    errors = [line for line in lines if priority(line) == 3]
    assert errors == ["Traceback (most recent call last):", "RuntimeError: the program is broken"]
    assert priority("asyncio.exceptions.TimeoutError") == 3


def _broken() -> None:
    raise RuntimeError("the program is broken")


def test_the_first_line_of_an_error_is_one_and_what_follows_is_not() -> None:
    lines = summary.error_lines(UsageError("no inventory", fix="name one", details=("error: of a node",)), "/logs")
    assert [priority(line) for line in lines] == [3, 6, 6, 6]


def test_a_stream_writes_whole_lines_each_with_its_priority() -> None:
    raw = io.BytesIO()
    stream = JournalStream(raw)
    print("farm: warning: half", end="", file=stream, flush=True)
    assert raw.getvalue() == b""
    print(" and half\n\nerror: ü\ntwo", file=stream)
    stream.write("left")
    stream.flush()
    assert raw.getvalue().decode() == "<4>farm: warning: half and half\n\n<3>error: ü\n<6>two\n"
    kept = raw.getvalue
    raw.close = lambda: None  # type: ignore[method-assign]
    stream.close()
    assert kept().endswith(b"<6>left\n")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({"JOURNAL_STREAM": "9:7925491"}, True), ({"JOURNAL_STREAM": "9:1"}, False), ({}, False)],
)
def test_only_the_stream_that_the_service_was_started_with_is_the_journal(
    environment: dict[str, str], expected: bool
) -> None:
    assert is_journal(environment, 9, 7925491) is expected
