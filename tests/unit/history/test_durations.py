from __future__ import annotations

import pytest

from farm.history.durations import Duration, is_warm, usual


def cold(*seconds: float) -> list[Duration]:
    return [Duration(seconds=amount, is_warm=False) for amount in seconds]


@pytest.mark.parametrize(("cached", "total", "expected"), [(0, 4, False), (1, 4, False), (2, 4, True), (4, 4, True)])
def test_a_build_is_warm_from_half_of_its_steps_on(cached: int, total: int, expected: bool) -> None:
    assert is_warm(cached, total) is expected


def test_a_build_without_steps_teaches_nothing() -> None:
    assert is_warm(0, 0)


def test_the_usual_time_is_the_median_of_the_cold_builds() -> None:
    warm = Duration(seconds=1, is_warm=True)
    assert usual([*cold(300), warm, *cold(100, 200), warm, warm]) == 200
    assert usual(cold(100, 200)) == 150


def test_without_a_cold_build_there_is_no_usual_time() -> None:
    assert usual([]) is None
    assert usual([Duration(seconds=1, is_warm=True)]) is None
