"""The live view of a run with many targets: what goes on fits on a screen, and what failed is not lost."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from farm.platforms import Platform, parse
from farm.report import console
from farm.report.board import Board
from farm.report.events import (
    AttemptFailed,
    BuildFailed,
    BuildFinished,
    BuildStarted,
    Duplicated,
    Event,
    LogLine,
    NodeDrained,
    OfTarget,
    Planned,
    StageFinished,
    StageStarted,
    StepStarted,
    Stolen,
    TargetEnded,
    Warned,
)

AMD64, ARM64, ARMV7 = (parse(text) for text in ("linux/amd64", "linux/arm64", "linux/arm/v7"))


def planned(platform: Platform = AMD64) -> Planned:
    return Planned(platform=platform, node="z1", standbys=(), reason="only one", emulated=False)


def started(node: str = "z1") -> BuildStarted:
    return BuildStarted(node=node, platform=AMD64, attempt=1)


def finished(node: str) -> BuildFinished:
    return BuildFinished(node=node, platform=AMD64, digest=None, seconds=3, cached=2, total=7)


def feed(board: Board, target: str, *events: Event) -> None:
    for event in events:
        board.feed(OfTarget(target=target, event=event), 3.0)


def fifty() -> Board:
    """50 images for 3 platforms: two jobs have failed, four are under way, the rest waits."""
    board = Board()
    names = [f"image-{number:02d}" for number in range(50)]
    for name in names:
        feed(board, name, *(planned(platform) for platform in (AMD64, ARM64, ARMV7)))
    for name in names[:2]:
        feed(board, name, BuildFailed(node="z1", platform=AMD64, reason="exit code: 2"))
    for name in names[2:6]:
        feed(board, name, started(), StepStarted(node="z1", platform=AMD64, step="[2/3] RUN make"))
    return board


def drawn(board: Board, *, width: int = 80, height: int = 24) -> list[str]:
    stream = io.StringIO()
    screen = Console(file=stream, width=width, highlight=False, color_system=None)
    screen.print(console.lines(board, 10.0, width=width, height=height))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("height", [8, 24])
def test_a_hundred_and_fifty_jobs_fit_on_the_screen(width: int, height: int) -> None:
    lines = drawn(fifty(), width=width, height=height)
    assert len(lines) < height
    assert max(len(line) for line in lines) <= width


def test_of_many_those_under_way_are_shown_then_those_that_failed_and_the_rest_is_counted() -> None:
    lines = drawn(fifty())
    assert [line.split()[:3] for line in lines[:6]] == [
        *(["●", "z1", f"image-{number:02d}"] for number in range(2, 6)),
        *(["✘", "z1", f"image-{number:02d}"] for number in range(2)),
    ]
    assert lines[2].endswith("[2/3] RUN make")
    assert lines[6:] == [
        "   farm  144 waiting, 4 building, 2 failed; 0 of 50 images done",
        "         image-00 0/3  image-01 0/3  image-02 0/3  image-03 0/3  image-04 0/3  …",
    ]


def test_where_all_fit_those_that_wait_have_their_rows_too() -> None:
    board = Board()
    feed(board, "jaeger", planned())
    assert drawn(board)[0].split() == ["·", "z1", "jaeger", "linux/amd64", "waits", "for", "a", "slot"]


def test_an_image_that_is_through_is_counted_and_what_is_done_to_another_is_said() -> None:
    board = Board()
    for name in ("jaeger", "alert", "base"):
        feed(board, name, planned(), started(), finished("z1"))
    feed(board, "jaeger", TargetEnded(seconds=3, error=None))
    feed(board, "base", TargetEnded(seconds=3, error="denied"))
    feed(board, "alert", StageStarted(stage="build"), StageFinished(stage="build", seconds=1))
    feed(board, "alert", StageStarted(stage="join"))
    assert drawn(board)[-2:] == ["   farm  3 built; 1 of 3 images done, 1 failed", "         alert join"]
    feed(board, "alert", StageFinished(stage="join", seconds=1))
    assert drawn(board)[-1] == "         alert 1/1"


def test_an_image_that_ends_before_it_is_built_leaves_no_row_waiting() -> None:
    board = Board()
    feed(board, "jaeger", planned(), TargetEnded(seconds=3, error="its context has gone"))
    assert (board.rows["jaeger", AMD64].state, board.rows["jaeger", AMD64].step) == ("failed", "its context has gone")


def test_a_straggler_and_its_double_share_a_row_until_the_first_is_there() -> None:
    board = Board()
    feed(
        board,
        "jaeger",
        planned(),
        started(),
        LogLine(node="z1", platform=AMD64, step="make", text="from z1"),
        Duplicated(node="z2", platform=AMD64, straggler="z1", reason="slow"),
        started("z2"),
        LogLine(node="z2", platform=AMD64, step="make", text="from z2"),
    )
    row = board.rows["jaeger", AMD64]
    assert (row.node, row.double, row.output) == ("z1", "z2", "from z1")
    assert drawn(board)[0].split()[1] == "z1+z2"
    feed(board, "jaeger", finished("z2"))
    assert (row.node, row.double, row.state) == ("z2", None, "built")


def test_what_a_loser_still_says_changes_nothing() -> None:
    board = Board()
    double = Duplicated(node="z2", platform=AMD64, straggler="z1", reason="slow")
    late = StepStarted(node="z2", platform=AMD64, step="[2/3] RUN make")
    feed(board, "jaeger", started(), double, started("z2"), finished("z1"), late)
    assert (board.rows["jaeger", AMD64].state, board.rows["jaeger", AMD64].step) == ("built", "")


def test_a_double_may_be_there_after_the_straggler_was_given_up() -> None:
    board = Board()
    double = Duplicated(node="z2", platform=AMD64, straggler="z1", reason="slow")
    feed(board, "jaeger", started(), double, BuildFailed(node="z1", platform=AMD64, reason="exit code: 2"))
    feed(board, "jaeger", finished("z2"))
    assert (board.rows["jaeger", AMD64].state, board.rows["jaeger", AMD64].node) == ("built", "z2")


def test_a_double_that_fails_leaves_the_straggler_alone() -> None:
    board = Board()
    feed(board, "jaeger", started(), Duplicated(node="z2", platform=AMD64, straggler="z1", reason="slow"))
    again = AttemptFailed(node="z2", platform=AMD64, attempt=1, kind="transient", reason="", next="once more")
    row = board.rows["jaeger", AMD64]
    feed(board, "jaeger", again, started("z2"))
    assert (row.node, row.double, row.state) == ("z1", "z2", "building")
    feed(board, "jaeger", BuildFailed(node="z2", platform=AMD64, reason="no answer"))
    assert (row.node, row.double, row.state) == ("z1", None, "building")


def test_a_job_that_is_taken_over_moves() -> None:
    board = Board()
    feed(board, "jaeger", planned(), Stolen(node="z2", platform=AMD64, planned="z1", reason="idle"))
    assert board.rows["jaeger", AMD64].node == "z2"


def test_warnings_name_their_target_and_a_drained_node_is_one() -> None:
    board = Board()
    feed(board, "jaeger", Warned(message="the context is large"))
    board.feed(NodeDrained(node="pi4", reason="it is at 83 °C"), 0)
    board.feed(NodeDrained(node="pi4", reason=None), 1)
    assert board.warnings == ["jaeger: the context is large", "pi4 is drained: it is at 83 °C"]
