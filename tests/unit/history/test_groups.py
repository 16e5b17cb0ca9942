"""The targets of one run, taken together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from farm.cli.history_groups import grouped, run_of, target_of
from farm.history.records import RunRecord

START = datetime(2025, 3, 1, 2, tzinfo=UTC)


def record(run: str, *, after: int = 0, exit_code: int | None = 0, seconds: float | None = 5) -> RunRecord:
    return RunRecord(
        run=run,
        target="app",
        references=(),
        started=START + timedelta(seconds=after),
        exit_code=exit_code,
        index=None,
        seconds=seconds,
        platforms=(),
    )


def test_the_runs_keep_their_order_and_the_targets_stand_by_name() -> None:
    found = grouped([record("b/web"), record("a"), record("b/app", after=9)])
    assert [(run.run, [target.run for target in run.targets]) for run in found] == [
        ("b", ["b/app", "b/web"]),
        ("a", ["a"]),
    ]


@pytest.mark.parametrize(
    ("codes", "expected"), [((0, 0), 0), ((0, 6), 6), ((6, 8, 4), 8), ((0, None), None), ((None, 6, 42), 42)]
)
def test_the_worst_says_how_the_run_ended(codes: tuple[int | None, ...], expected: int | None) -> None:
    (run,) = grouped([record(f"a/{number}", exit_code=code) for number, code in enumerate(codes)])
    assert run.exit_code == expected


def test_it_lasts_from_the_first_start_to_the_last_end() -> None:
    (run,) = grouped([record("a/1", seconds=60), record("a/2", after=30, seconds=10)])
    assert run.seconds == 60
    (run,) = grouped([record("a/1", seconds=60), record("a/2", after=30, seconds=100)])
    assert (run.started, run.seconds) == (START, 130)
    (run,) = grouped([record("a/1"), record("a/2", seconds=None)])
    assert run.seconds is None


@pytest.mark.parametrize(
    ("name", "run", "target"), [("r1", "r1", ""), ("r1/app", "r1", "app"), ("r1/base/os@v1", "r1", "base/os@v1")]
)
def test_names(name: str, run: str, target: str) -> None:
    assert (run_of(name), target_of(name)) == (run, target)
