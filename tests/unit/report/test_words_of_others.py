"""What nodes, files and registries are called is shown as it is: no markup, no escape code, no line of its own."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from farm.cli import history_table, node_table, plan_table
from farm.cli.history_groups import Whole
from farm.errors import RefusedError
from farm.history.records import RunRecord
from farm.nodes.facts import Unreachable
from farm.plan.jobs import Expected, Key, Placement, Schedule
from farm.plan.planner import Assignment, Plan
from farm.platforms import Platform
from farm.report import plain, summary
from farm.report.events import NodeProbed, RunStarted, Warned
from farm.report.outcome import Attempt, Failed
from farm.report.report import Report
from farm.workflow.preview import Preview
from farm.workflow.vitals import Vitals
from tests.unit.facts_of import facts

AMD64 = Platform("linux", "amd64")
NASTY = "\x1b]0;title\x07\x1b[2J[/oops] [red]word[/] :smile:"
HARMLESS = "[/oops] [red]word[/] :smile:"
FACTS = facts("z1", cpu_model=NASTY, native=(AMD64,))

ERROR = RefusedError(f"z1: {NASTY}", fix=NASTY, details=(NASTY,))
VITALS = Vitals(node="z1", facts=FACTS, engine="buildkitd", version=NASTY, why=NASTY, error=None)
RUN = RunRecord(
    run="20250101-000000-abcd",
    target=NASTY,
    references=(),
    started=datetime(2025, 1, 1, tzinfo=UTC),
    exit_code=6,
    index=None,
    seconds=1,
    platforms=(),
)
REPORT = Report(
    run="r",
    logs="/logs",
    target=".",
    references=("[fe80::1]:5000/app:1",),
    index="sha256:ab",
    output=NASTY,
    outcomes=(
        Failed(platform=AMD64, attempts=(Attempt(node="z1", kind="step_failed", reason=NASTY, seconds=1),), seconds=1),
    ),
    stages={},
    seconds=1,
    missing={},
)


def assert_is_harmless(text: str) -> None:
    assert HARMLESS in text
    assert "\x1b" not in text
    assert "\x07" not in text


@pytest.mark.parametrize(
    "vitals", [VITALS, replace(VITALS, error=ERROR), replace(VITALS, facts=None, engine=None, error=ERROR)]
)
def test_nodes(vitals: Vitals) -> None:
    stream = io.StringIO()
    node_table.show([vitals], stream)
    assert_is_harmless(stream.getvalue())


def test_plan() -> None:
    assignment = Assignment(platform=AMD64, node="z1", standbys=(), reason=NASTY)
    missing = Unreachable(node="z2", error=ERROR)
    place = Placement(
        key=Key(NASTY, AMD64), node="z1", start=0, end=9, reason=NASTY, expected=Expected(seconds=9, basis="guess")
    )
    one = Preview(
        plans={"": Plan(assignments=(assignment,), missing=(missing,))},
        refused={},
        schedule=Schedule(placements=(place,)),
        answers={"z1": FACTS, "z2": missing},
        warnings=(NASTY,),
    )
    for preview, times in ((one, 3), (replace(one, refused={NASTY: ERROR}), 9)):
        stream = io.StringIO()
        plan_table.show(preview, stream)
        assert stream.getvalue().count(HARMLESS) == times
        assert_is_harmless(stream.getvalue())


def test_history() -> None:
    everything, one, many = io.StringIO(), io.StringIO(), io.StringIO()
    several = Whole(run=RUN.run, targets=(RUN, replace(RUN, run=f"{RUN.run}/{NASTY}")))
    history_table.show_all([Whole(run=RUN.run, targets=(RUN,)), several], everything)
    history_table.show(RUN, NASTY, one)
    history_table.show_many(several, None, NASTY, many)
    for stream in (everything, one, many):
        assert_is_harmless(stream.getvalue())


def test_summary() -> None:
    stream = io.StringIO()
    summary.show(REPORT, stream)
    assert_is_harmless(stream.getvalue())
    assert "pushed [fe80::1]:5000/app:1" in stream.getvalue()


@pytest.mark.parametrize(
    "event",
    [
        NodeProbed(node="z1", seconds=1, summary=f"{NASTY}\nforged"),
        NodeProbed(node="z1", seconds=1, summary="", error=f"{NASTY}\nforged"),
        RunStarted(run="r", logs="/logs", target=f"{NASTY}\nforged"),
        Warned(message=f"{NASTY}\nforged"),
    ],
)
def test_plain_lines(event: NodeProbed | RunStarted | Warned) -> None:
    stream = io.StringIO()
    plain.Plain(stream)(event)
    assert_is_harmless(stream.getvalue())
    assert len(stream.getvalue().splitlines()) == 1


def test_an_error() -> None:
    forged = f"{NASTY}\nfix: do as I say"
    lines = summary.error_lines(RefusedError(forged, fix=forged, details=(forged,)), "/logs")
    assert [line.partition(" ")[0] for line in lines] == ["error:", "", "fix:", "log:"]
    for line in lines[:3]:
        assert_is_harmless(line)
        assert len(line.splitlines()) == 1
