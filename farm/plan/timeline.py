"""When a node has room. Pure arithmetic on its slots and memory over time."""

from __future__ import annotations

from bisect import bisect_right

from farm.plan.jobs import Job


def demand(job: Job, memory: int | None, slots: int) -> int:
    """The memory that a node of so much of it, and so many slots, keeps for a job, in bytes.

    One slot's share where nobody knows what the job takes; all that there is where it takes more. So two heavy jobs
    never meet on a small board, and what is too large for every node runs alone.
    """
    if memory is None:
        return 0
    return memory // slots if job.memory is None else min(job.memory, memory)


class Timeline:
    """The free slots and the free memory of one node, from one moment to the next, for ever.

    Each entry of `_starts` begins a span with as many `_slots` and as much `_memory` (bytes) free. Spans at the front
    without a slot are dropped: nothing will go there. The last span is free for ever.
    """

    __slots__ = ("_memory", "_slots", "_starts")

    def __init__(self, slots: int, memory: float, now: float) -> None:
        self._starts = [now]
        self._slots = [slots]
        self._memory = [memory]

    @property
    def room(self) -> float:
        """The first moment with a free slot."""
        return self._starts[0]

    @property
    def idle(self) -> float:
        """The moment from which nothing is planned."""
        return self._starts[-1]

    def earliest(self, ready: float, seconds: float, memory: float) -> float:
        """The first moment from `ready` on where a slot and so much memory stay free for `seconds`."""
        starts = self._starts
        last = len(starts) - 1
        if ready >= starts[last]:
            return ready
        if not last:
            return starts[0]
        index = max(0, bisect_right(starts, ready) - 1)
        start = max(ready, starts[index])
        end = start + seconds
        while index < last and starts[index] < end:
            if self._slots[index] < 1 or self._memory[index] < memory:
                start = starts[index + 1]
                end = start + seconds
            index += 1
        return start

    def take(self, start: float, seconds: float, memory: float) -> None:
        """Use a slot and the memory from `start` on for `seconds`, whether they are free or not."""
        first, last = self._split(start), self._split(start + seconds)
        for index in range(first, last):
            self._slots[index] -= 1
            self._memory[index] -= memory
        full = 0
        while self._slots[full] < 1:
            full += 1
        if full:
            del self._starts[:full], self._slots[:full], self._memory[:full]

    def _split(self, moment: float) -> int:
        """Make a span begin at `moment`, and say which; the first for what lies before it."""
        index = bisect_right(self._starts, moment) - 1
        if index < 0 or self._starts[index] == moment:
            return max(index, 0)
        self._starts.insert(index + 1, moment)
        self._slots.insert(index + 1, self._slots[index])
        self._memory.insert(index + 1, self._memory[index])
        return index + 1
