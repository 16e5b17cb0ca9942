from datetime import UTC, datetime, timedelta

import pytest

from farm.nightly.hours import Hours, quiet_for

MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)
H = 3600


@pytest.mark.parametrize(
    ("hour", "quiet", "wait"),
    [
        (3, (), 0),
        (3, ((2 * H, 4 * H),), 1 * H),
        (2, ((2 * H, 4 * H),), 2 * H),
        (4, ((2 * H, 4 * H),), 0),
        (23, ((22 * H, 6 * H),), 7 * H),
        (1, ((22 * H, 6 * H),), 5 * H),
        (12, ((22 * H, 6 * H),), 0),
        (3, ((2 * H, 4 * H), (4 * H, 5 * H)), 2 * H),
        (23, ((22 * H, 24 * H), (0, 1 * H)), 2 * H),
    ],
)
def test_quiet_windows(hour: int, quiet: tuple[tuple[int, int], ...], wait: float) -> None:
    assert quiet_for(MIDNIGHT + timedelta(hours=hour), quiet) == wait


def test_a_day_that_is_quiet_throughout_does_not_hang() -> None:
    assert quiet_for(MIDNIGHT, ((0, 12 * H), (12 * H, 0))) > 0


def test_the_deadline() -> None:
    hours = Hours(deadline=5 * H)
    assert not hours.are_over(0)
    assert not hours.are_over(5 * H - 1)
    assert hours.are_over(5 * H)
    assert not Hours().are_over(99 * 24 * H)
