"""Lets builds start in the hours of the night that are meant for it."""

from __future__ import annotations

from farm.errors import PostponedError
from farm.nightly.clock import Clock
from farm.nightly.hours import Hours
from farm.report import words
from farm.report.events import Emit, Warned

# A wait that is cut into pieces ends in time also where the clock is set meanwhile.
_PIECE = 300.0


class Doors:
    """The gate of one night, which began at `began` on the clock that only goes forward."""

    def __init__(self, hours: Hours, clock: Clock, *, began: float, emit: Emit) -> None:
        self._hours = hours
        self._clock = clock
        self._began = began
        self._emit = emit
        self._is_told = False

    @property
    def are_closed(self) -> bool:
        """Whether nothing starts any more tonight."""
        return self._hours.are_over(self._clock.elapsed() - self._began)

    async def opened(self) -> None:
        """Wait for the end of a quiet window. Raises PostponedError after the deadline."""
        while True:
            if self.are_closed:
                assert self._hours.deadline is not None
                raise PostponedError(
                    f"not begun: the night's {words.seconds(self._hours.deadline)} were over",
                    fix="it comes first in the next night; or give it more time: `deadline:` under `nightly:`",
                )
            left = self._hours.wait(self._clock.now())
            if left <= 0:
                return
            if not self._is_told:
                self._is_told = True
                self._emit(Warned(message=f"quiet hours: no build starts for {words.seconds(left)}"))
            await self._clock.sleep(min(left, _PIECE))
