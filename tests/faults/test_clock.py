"""A clock that jumps: boards and virtual machines have none of their own, and wake up in another year."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from farm import platforms
from farm.history.history import History
from farm.history.strikes import LONGEST_REST, Strike, next_strike
from farm.plan.quarantine import available

_NOW = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)
_JUMPS = pytest.mark.parametrize(
    "jump",
    [timedelta(days=-20000), timedelta(hours=-2), timedelta(seconds=-5), timedelta(hours=2), timedelta(days=20000)],
    ids=["to 1971", "2 h back", "5 s back", "2 h on", "to 2081"],
)


@_JUMPS
def test_a_rest_never_outlives_what_any_rest_can_last(jump: timedelta) -> None:
    strike = next_strike("z1", None, _NOW)
    later = _NOW + jump

    assert strike.is_over(later) or strike.until - later <= LONGEST_REST


@_JUMPS
def test_a_loss_after_a_jump_counts(jump: timedelta) -> None:
    strike = Strike(node="z1", count=3, until=_NOW + timedelta(minutes=1))

    after = next_strike("z1", strike, _NOW + jump)

    assert after.count in (3, 4)
    assert after.until - (_NOW + jump) <= LONGEST_REST


@_JUMPS
def test_a_history_goes_on_after_a_jump(tmp_path: Path, jump: timedelta) -> None:
    """Runs are told apart by their names, not by their times; the strikes of another time are over."""
    file = tmp_path / "history.db"
    history = History.open(file)
    history.begin("20260701-020000-aaaa", target="app", references=["reg.lan/app:1"], started=_NOW)
    history.strike("z1", _NOW)
    history.end("20260701-020000-aaaa", exit_code=6, index=None, seconds=1.0)
    history.close()

    history = History.open(file)
    later = _NOW + jump
    history.begin("another-time-bbbb", target="app", references=["reg.lan/app:1"], started=later)
    history.strike("z1", later)
    resting = history.resting(later)
    history.end("another-time-bbbb", exit_code=0, index=None, seconds=1.0)
    history.close()

    assert set(resting) == {"z1"}
    assert resting["z1"].until - later <= LONGEST_REST


def test_a_board_of_another_time_is_still_in_the_plan() -> None:
    platform = platforms.parse("linux/amd64")
    strike = Strike(node="z1", count=9, until=_NOW + timedelta(days=20000))

    found = available({platform: ["z1"]}, {"z1": strike})

    assert found[platform].nodes == ("z1",)
