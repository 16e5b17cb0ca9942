from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from farm.history.strikes import Strike, next_strike, rest

NOW = datetime(2025, 3, 1, 2, 0, tzinfo=UTC)


def seconds(amount: float) -> timedelta:
    return timedelta(seconds=amount)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, 10), (2, 20), (3, 40), (8, 1280), (9, 2560), (10, 3600), (11, 3600), (100_000, 3600)],
)
def test_rests_double_from_ten_seconds_to_an_hour(count: int, expected: float) -> None:
    assert rest(count) == seconds(expected)


def test_the_first_loss_rests_ten_seconds() -> None:
    assert next_strike("z1", None, NOW) == Strike(node="z1", count=1, until=NOW + seconds(10))


def test_a_loss_after_the_rest_counts_further() -> None:
    first = next_strike("z1", None, NOW)
    later = NOW + seconds(10)
    assert next_strike("z1", first, later) == Strike(node="z1", count=2, until=later + seconds(20))


def test_a_loss_during_the_rest_is_the_same_loss() -> None:
    first = next_strike("z1", None, NOW)
    assert next_strike("z1", first, NOW + seconds(9.9)) is first


@pytest.mark.parametrize(
    ("after", "is_over"),
    [(0, False), (9.9, False), (10, True), (86400, True), (-60, False), (-3589, False), (-3591, True)],
)
def test_a_rest_ends_even_when_the_clock_is_set_back(after: float, is_over: bool) -> None:
    assert next_strike("z1", None, NOW).is_over(NOW + seconds(after)) is is_over
