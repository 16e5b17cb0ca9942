import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from farm.errors import PostponedError
from farm.nightly.doors import Doors
from farm.nightly.hours import Hours
from farm.report.events import Event, Warned

H = 3600.0


class Fake:
    """A clock whose hours pass at once; `set_back` is what somebody sets it back by in the first wait."""

    def __init__(self, hour: float, set_back: float = 0.0) -> None:
        self._now = datetime(2026, 11, 24, tzinfo=UTC) + timedelta(hours=hour)
        self._elapsed = 0.0
        self._set_back = set_back

    def now(self) -> datetime:
        return self._now

    def elapsed(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds - self._set_back)
        self._set_back = 0.0
        self._elapsed += seconds


def opened(clock: Fake, hours: Hours) -> list[Event]:
    said: list[Event] = []
    asyncio.run(Doors(hours, clock, began=0.0, emit=said.append).opened())
    return said


def test_open_doors_let_through_at_once() -> None:
    clock = Fake(2)
    assert opened(clock, Hours()) == []
    assert clock.elapsed() == 0


def test_a_quiet_window_is_waited_for_and_said_once() -> None:
    clock = Fake(2)
    assert opened(clock, Hours(quiet=((1 * 3600, 4 * 3600),))) == [
        Warned(message="quiet hours: no build starts for 2 h 00 min")
    ]
    assert clock.now().hour == 4


def test_after_the_deadline_nothing_starts() -> None:
    clock = Fake(2)
    with pytest.raises(PostponedError, match="1 h 00 min were over"):
        opened(clock, Hours(deadline=1 * H, quiet=((1 * 3600, 4 * 3600),)))
    assert clock.elapsed() == 1 * H


def test_a_clock_that_is_set_back_meanwhile_makes_the_wait_longer_and_moves_no_deadline() -> None:
    clock = Fake(2, set_back=0.5 * H)
    opened(clock, Hours(quiet=((1 * 3600, 4 * 3600),)))
    assert clock.elapsed() == 2.5 * H
    with pytest.raises(PostponedError):
        opened(Fake(2, set_back=0.5 * H), Hours(deadline=1 * H, quiet=((1 * 3600, 4 * 3600),)))
