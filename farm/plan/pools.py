"""The farm as a schedule sees it: alike nodes in pools, so that a thousand are searched as fast as ten. Pure."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import NamedTuple

from farm.plan.jobs import Alike, Expect, Expected, Job, Key, Running, Seat
from farm.plan.timeline import Timeline, demand

# How many nodes of a pool are looked at: those that are idle first, and those that have room first. These are the best
# ones, but where many gaps are too short or memory is short.
LOOKED_AT = 4
# An overdue job is taken to go on for as long as it is late already, and for this share of the time that it has taken
# at least; and nothing that runs is over within the next moment.
OVERDUE = 0.1
MOMENT = 1.0


class Choices(NamedTuple):
    """Where a job may go, and what is expected: pools of nodes that are alike for it, and nodes that stand apart."""

    alike: list[tuple[Pool, Expected]]
    apart: list[tuple[Pool, str, Expected]]

    @property
    def fastest(self) -> float:
        """What the job takes where it is fastest, in seconds; 0 where it can go nowhere."""
        return min((seconds for _, seconds in self.seconds()), default=0.0)

    @property
    def pools(self) -> list[Pool]:
        """Where the job may go, each once."""
        return list(dict.fromkeys(pool for pool, _ in self.seconds()))

    def seconds(self) -> Iterator[tuple[Pool, float]]:
        """What the job takes in each pool, a pool once more for each of its nodes that stand apart."""
        for pool, expected in self.alike:
            yield pool, expected.seconds
        for pool, _, expected in self.apart:
            yield pool, expected.seconds


class Pool:
    """Nodes that differ only by what they do already."""

    __slots__ = ("_by_idle", "_by_room", "_bytes", "_lines", "handicap", "memory", "names", "number", "slots")

    def __init__(self, number: int, seats: Sequence[Seat]) -> None:
        first = seats[0]
        self.number = number
        self.slots, self.handicap = first.slots, first.handicap
        self._bytes = first.memory
        self.memory = inf if first.memory is None else first.memory
        self.names = sorted(seat.name for seat in seats)
        self.clear(0.0)

    def clear(self, now: float) -> None:
        """Forget what the nodes do: from `now` on they are idle."""
        self._lines = {name: Timeline(self.slots, self.memory, now) for name in self.names}
        self._by_room = [(now, name) for name in self.names]
        self._by_idle = self._by_room.copy()

    def __contains__(self, name: object) -> bool:
        return name in self._lines

    def demand(self, job: Job) -> int:
        """The memory that one of the nodes keeps for the job, in bytes."""
        return demand(job, self._bytes, self.slots)

    def share(self, job: Job) -> float:
        """The same as a part of what the node has; 0 where it has no bound."""
        return self.demand(job) / self._bytes if self._bytes else 0.0

    def line(self, name: str) -> Timeline:
        """When one of the nodes has room."""
        return self._lines[name]

    @property
    def room(self) -> float:
        """The first moment at which one of the nodes has room."""
        return self._by_room[0][0]

    def soonest(self) -> list[tuple[float, str]]:
        """The nodes that are worth a look, each with a moment before which it has no room; sorted by that."""
        first = self._by_room[:LOOKED_AT]
        idle = self._by_idle[:LOOKED_AT]
        if idle == first:
            return first
        # The idle ones come first: they have no gaps that turn out to be too short.
        names = {name for _, name in idle}
        return [(self.room, name) for _, name in idle] + [each for each in first if each[1] not in names]

    def take(self, name: str, start: float, seconds: float, memory: float) -> None:
        """Let a node do something from `start` on for `seconds`."""
        line = self._lines[name]
        room, idle = line.room, line.idle
        line.take(start, seconds, memory)
        if line.room != room:
            _move(self._by_room, (room, name), (line.room, name))
        if line.idle != idle:
            _move(self._by_idle, (idle, name), (line.idle, name))


class Pools:
    """All nodes that may be used, and which of them each job may go to."""

    def __init__(self, jobs: Sequence[Job], seats: Mapping[str, Seat], expect: Expect, alike: Alike) -> None:
        self._expect, self._alike = expect, alike
        usable = {name: seat for name, seat in seats.items() if seat.drained is None}
        groups: dict[tuple[str, ...], int] = {}
        self._groups: dict[tuple[str, ...], int] = {}
        for job in jobs:
            if job.nodes not in self._groups:
                names = tuple(sorted(usable.keys() & job.nodes))
                self._groups[job.nodes] = groups.setdefault(names, len(groups))
        member: dict[str, list[int]] = {name: [] for name in usable}
        for names, group in groups.items():
            for name in names:
                member[name].append(group)
        same: dict[object, list[Seat]] = {}
        for name, seat in usable.items():
            kind = (alike.kinds[name],) if name in alike.kinds else name
            same.setdefault((kind, seat.slots, seat.memory, seat.handicap, tuple(member[name])), []).append(seat)
        self.of_node: dict[str, Pool] = {}
        self._of_group: dict[int, list[Pool]] = {group: [] for group in groups.values()}
        self._all = []
        for number, each in enumerate(sorted(same.values(), key=lambda each: min(seat.name for seat in each))):
            pool = Pool(number, each)
            self._all.append(pool)
            self.of_node.update(dict.fromkeys(pool.names, pool))
            for group in member[pool.names[0]]:
                self._of_group[group].append(pool)

    def begin(self, running: Sequence[Running], now: float) -> dict[Key, float]:
        """Let the nodes do at `now` what is running, and say when that ends; the overdue are given some time more."""
        for each_pool in self._all:
            each_pool.clear(now)
        ends: dict[Key, float] = {}
        for each in running:
            left = max(abs(each.started + each.expected.seconds - now), OVERDUE * (now - each.started), MOMENT)
            ends[each.job.key] = min(now + left, ends.get(each.job.key, inf))
            if pool := self.of_node.get(each.node):
                pool.take(each.node, now, left, pool.demand(each.job))
        return ends

    def choices(self, job: Job) -> Choices:
        """Where the job may go: to nodes with enough memory for it, else to those with the most."""
        pools = self._of_group[self._groups[job.nodes]]
        if job.memory is not None and pools:
            enough = min(job.memory, max(pool.memory for pool in pools))
            pools = [pool for pool in pools if pool.memory >= enough]
        own = {name for name in self._alike.apart.get(job.key, ()) if self.of_node.get(name) in pools}
        alike = []
        known: dict[object, Expected] = {}
        for pool in pools:
            name = next((name for name in pool.names if name not in own), None)
            if name is not None:
                kind = self._alike.kinds.get(name, pool)
                alike.append((pool, known.get(kind) or known.setdefault(kind, self._expect(job, name))))
        apart = [(self.of_node[name], name, self._expect(job, name)) for name in sorted(own)]
        return Choices(alike=alike, apart=apart)


def _move(order: list[tuple[float, str]], old: tuple[float, str], new: tuple[float, str]) -> None:
    del order[bisect_left(order, old)]
    insort(order, new)
