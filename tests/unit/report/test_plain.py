from __future__ import annotations

import io
import json

import pytest

from farm.platforms import parse
from farm.report import jsonl, plain, words
from farm.report.board import Board
from farm.report.events import (
    AttemptFailed,
    BuildFailed,
    BuildFinished,
    BuildStarted,
    Duplicated,
    EnginePrepared,
    Event,
    LogLine,
    NodeDrained,
    NodeProbed,
    OfTarget,
    Planned,
    Reused,
    RunStarted,
    StageFinished,
    StageStarted,
    StepFinished,
    StepStarted,
    Stolen,
    TargetEnded,
    Warned,
)

ARM64 = parse("linux/arm64")
DIGEST = "sha256:" + "1234567890abcdef" * 4

LINES: list[tuple[Event, str | None]] = [
    (RunStarted(run="r1", logs="/logs", target="hello"), "farm: run r1: hello"),
    (NodeProbed(node="pi4", seconds=0.31, summary="linux/arm64"), "[pi4] linux/arm64 (0.3 s)"),
    (NodeProbed(node="z1", seconds=3, summary="", error="no route"), "[z1] not usable: no route"),
    (EnginePrepared(node="z1", what="Docker pulls an image"), "[z1] Docker pulls an image"),
    (
        Planned(platform=ARM64, node="pi4", standbys=("pi5",), reason="first by name", emulated=False),
        "[pi4 linux/arm64] planned: first by name; standby pi5",
    ),
    (
        Reused(node="pi4", platform=ARM64, run="r0", digest=DIGEST),
        "[pi4 linux/arm64] taken from run r0: sha256:1234567890ab",
    ),
    (BuildStarted(node="pi4", platform=ARM64, attempt=1), "[pi4 linux/arm64] building"),
    (BuildStarted(node="pi5", platform=ARM64, attempt=2), "[pi5 linux/arm64] building (try 2)"),
    (StepStarted(node="pi4", platform=ARM64, step="[2/3] RUN make"), "[pi4 linux/arm64] [2/3] RUN make"),
    (
        StepStarted(node="pi4", platform=ARM64, step="[linux/arm64 build 2/3] RUN make"),
        "[pi4 linux/arm64] [linux/arm64 build 2/3] RUN make",
    ),
    (StepStarted(node="pi4", platform=ARM64, step="[internal] load build context"), None),
    (
        StepFinished(
            node="pi4",
            platform=ARM64,
            step="exporting to image",
            was_cached=False,
            error=None,
            cached=1,
            total=3,
            seconds=1,
        ),
        None,
    ),
    (
        StepFinished(
            node="pi4",
            platform=ARM64,
            step="exporting to image",
            was_cached=False,
            error="denied",
            cached=1,
            total=3,
            seconds=1,
        ),
        "[pi4 linux/arm64] FAILED exporting to image: denied",
    ),
    (
        LogLine(node="pi4", platform=ARM64, step="[2/3] RUN make", text="\x1b[31mcc\x1b[0m main.c\r"),
        "[pi4 linux/arm64] | cc main.c",
    ),
    (
        StepFinished(
            node="pi4", platform=ARM64, step="[2/3] RUN make", was_cached=True, error=None, cached=1, total=3, seconds=0
        ),
        "[pi4 linux/arm64] [2/3] RUN make: cached",
    ),
    (
        StepFinished(
            node="pi4",
            platform=ARM64,
            step="[3/3] RUN x",
            was_cached=False,
            error="exit 2",
            cached=1,
            total=3,
            seconds=1,
        ),
        "[pi4 linux/arm64] FAILED [3/3] RUN x: exit 2",
    ),
    (
        StepFinished(
            node="pi4",
            platform=ARM64,
            step="[3/3] RUN make",
            was_cached=False,
            error='process "/bin/sh -c make" did not complete successfully: exit code: 2',
            cached=1,
            total=3,
            seconds=1,
        ),
        "[pi4 linux/arm64] FAILED [3/3] RUN make: exit code: 2",
    ),
    (
        AttemptFailed(
            node="pi4", platform=ARM64, attempt=1, kind="node_lost", reason="the link died", next="moves to pi5"
        ),
        "[pi4 linux/arm64] try 1 failed (node_lost): the link died; moves to pi5",
    ),
    (
        BuildFinished(node="pi4", platform=ARM64, digest=DIGEST, seconds=75.2, cached=2, total=3),
        "[pi4 linux/arm64] built sha256:1234567890ab in 1 min 15 s, 2 of 3 steps cached",
    ),
    (StageStarted(stage="join"), None),
    (StageFinished(stage="join", seconds=0.42), "farm: join: done (0.4 s)"),
    (StageFinished(stage="probe", seconds=0.42), None),
    (Warned(message="z1 is away"), "farm: warning: z1 is away"),
]


MANY: list[tuple[Event, str | None]] = [
    (NodeDrained(node="pi4", reason="it is at 83 °C"), "[pi4] drained, nothing new starts there: it is at 83 °C"),
    (NodeDrained(node="pi4", reason=None), "[pi4] drained no longer"),
    (
        OfTarget(target="jaeger", event=BuildStarted(node="pi4", platform=ARM64, attempt=1)),
        "[pi4 jaeger linux/arm64] building",
    ),
    (
        OfTarget(
            target="jaeger", event=Stolen(node="pi5", platform=ARM64, planned="pi4", reason="it would wait 3 min there")
        ),
        "[pi5 jaeger linux/arm64] taken over from pi4: it would wait 3 min there",
    ),
    (
        OfTarget(
            target="jaeger",
            event=Duplicated(node="pi5", platform=ARM64, straggler="pi4", reason="twice its time is over"),
        ),
        "[pi5 jaeger linux/arm64] builds it as well as pi4, the first to end wins: twice its time is over",
    ),
    (OfTarget(target="jaeger", event=BuildFailed(node="pi4", platform=ARM64, reason="exit code: 2")), None),
    (
        OfTarget(target="jaeger", event=BuildFailed(node=None, platform=ARM64, reason="base failed")),
        "[jaeger linux/arm64] not built: base failed",
    ),
    (OfTarget(target="jaeger", event=StageFinished(stage="join", seconds=0.42)), "farm: jaeger: join: done (0.4 s)"),
    (OfTarget(target="jaeger", event=Warned(message="large")), "farm: jaeger: warning: large"),
    (OfTarget(target="jaeger", event=TargetEnded(seconds=75, error=None)), "farm: jaeger: done (1 min 15 s)"),
    (
        OfTarget(target="jaeger", event=TargetEnded(seconds=2, error="its context has gone")),
        "farm: jaeger: FAILED: its context has gone (2.0 s)",
    ),
]


@pytest.mark.parametrize(("event", "expected"), [*LINES, *MANY], ids=lambda value: type(value).__name__)
def test_every_event_has_its_line(event: Event, expected: str | None) -> None:
    assert plain.line(event) == expected


def test_lines_are_written_at_once_and_without_escapes() -> None:
    stream = io.StringIO()
    write = plain.Plain(stream)
    for event, _ in LINES:
        write(event)
    text = stream.getvalue()
    assert "\x1b" not in text
    assert "\r" not in text
    assert text.count("\n") == sum(1 for _, expected in LINES if expected is not None)


@pytest.mark.parametrize(
    "nasty", ["\x1b]0;title\x07", "\x1b[2J", "\u202e", "\x07", "\x1b[38;5;196m", "\x1bc", "\x00", "\x1b]8;;x\x1b\\"]
)
def test_control_sequences_are_taken_out(nasty: str) -> None:
    assert plain.clean(f"a{nasty}b") == "ab"


def test_json_lines_carry_every_field() -> None:
    stream = io.StringIO()
    write = jsonl.JsonLines(stream)
    for event, _ in LINES:
        write(event)
    documents = [json.loads(text) for text in stream.getvalue().splitlines()]
    assert [d["event"] for d in documents][:3] == ["run_started", "node_probed", "node_probed"]
    planned = documents[4]
    assert planned.pop("time").endswith("+00:00")
    assert planned == {
        "event": "planned",
        "platform": "linux/arm64",
        "node": "pi4",
        "standbys": ["pi5"],
        "reason": "first by name",
        "emulated": False,
    }


def test_a_json_line_of_several_targets_names_its_own_beside_the_event() -> None:
    event = OfTarget(target="jaeger", event=BuildStarted(node="pi4", platform=ARM64, attempt=1))
    assert jsonl.document(event, "now") == {
        "event": "build_started",
        "time": "now",
        "node": "pi4",
        "platform": "linux/arm64",
        "attempt": 1,
        "target": "jaeger",
    }


def test_the_board_follows_a_platform_from_waiting_over_a_lost_node_to_built() -> None:
    board = Board()
    for second, (event, _) in enumerate(LINES):
        board.feed(event, float(second))
        if isinstance(event, EnginePrepared):
            assert board.stage == "z1: Docker pulls an image"
        if isinstance(event, Planned):
            assert board.rows["", ARM64].state == "waiting"
        if isinstance(event, AttemptFailed):
            assert (board.rows["", ARM64].state, board.rows["", ARM64].tries) == ("retrying", 2)
    row = board.rows["", ARM64]
    assert (row.state, row.node, row.cached, row.total) == ("built", "pi4", 2, 3)
    kinds = [type(event) for event, _ in LINES]
    assert row.elapsed(99.0) == row.elapsed(1000.0) == kinds.index(BuildFinished) - kinds.index(BuildStarted)
    assert board.warnings == ["z1: no route", "z1 is away"]


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(0, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 min 00 s"), (3599.7, "1 h 00 min"), (7800, "2 h 10 min")],
)
def test_seconds_read_well(amount: float, expected: str) -> None:
    assert words.seconds(amount) == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(0, "0 B"), (812, "812 B"), (3_400_000, "3.4 MB"), (2_000_000_000, "2.0 GB"), (28e9, "28 GB"), (5e12, "5.0 TB")],
)
def test_sizes_read_well(amount: float, expected: str) -> None:
    assert words.size(amount) == expected
