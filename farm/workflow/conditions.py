"""How the nodes are while a run of several jobs builds on them: who is drained, and what memory a build takes.

    async with conditions.watched(names, survey.reached.get, emit) as nodes:
        nodes.drained("pi4")                      # in words why no job should start there now, else None
        nodes.drained("pi4", memory=job.memory)   # the same for a job that takes so many bytes
        await nodes.until_change()                # some node was drained, or may be used again
        with nodes.working("pi4") as work:        # around each try
            ...
        Attempt(..., memory=work.peak(out_of_memory=kind is Kind.OUT_OF_MEMORY))

For each cause a node is drained at most as long as `farm.plan.drain.PATIENCE` says: nobody waits for it for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

from farm.errors import FarmError
from farm.nodes.facts import Facts
from farm.nodes.reach import Reached
from farm.nodes.sample.ask import sample as ask
from farm.nodes.sample.sample import Sample
from farm.plan import drain
from farm.report.events import Emit, NodeDrained

# Seconds between two looks at a node that has work, and how long it may take to answer one.
LOOK_EVERY, LOOK_SECONDS = 10.0, 8.0


class Work:
    """A build on a node, and what it was seen to take there.

    Its memory is what the node had available when our builds there began less what it has while this one is alone: the
    most of samples that are seconds apart. So it holds what BuildKit itself grows by, and whatever else on the node
    grew meanwhile; a short peak may be missed. `had` is what was available when this one began, in bytes.
    """

    def __init__(self, had: int | None) -> None:
        self.had = had
        self.seen: int | None = None

    def peak(self, *, out_of_memory: bool = False) -> int | None:
        """Bytes; None where it was not seen. A build that ran out of memory takes at least what there was of it."""
        least = self.had if out_of_memory else None
        return max((each for each in (self.seen, least) if each is not None), default=None)


@dataclass(slots=True, kw_only=True)
class _Board:
    """One node: what is held against it, its last sample, and our builds there."""

    state: drain.State = field(default_factory=drain.State)
    last: Sample | None = None
    free_before: int | None = None
    works: list[Work] = field(default_factory=list)
    look_now: asyncio.Event = field(default_factory=asyncio.Event)


class Conditions:
    """The nodes of one run, made by `watched`."""

    def __init__(self, names: Iterable[str], reached: Callable[[str], Reached | None], emit: Emit) -> None:
        self._reached = reached
        self._emit = emit
        self._boards = {name: _Board() for name in names}
        self._changed = asyncio.Event()

    def drained(self, node: str, *, memory: int | None = None) -> str | None:
        """Why nothing should start on the node now, in words; None where it may.

        A job that takes more `memory` (bytes) than is free waits while others of ours are there: they give theirs back.
        """
        board = self._boards[node]
        if board.state.reason is None and memory is not None and board.last is not None and board.works:
            return drain.too_little(board.last, memory)
        return board.state.reason

    async def until_change(self) -> None:
        """Return when the next node is drained, or may be used again."""
        await self._changed.wait()

    @contextlib.contextmanager
    def working(self, node: str) -> Iterator[Work]:
        """A build of ours runs on the node for as long as the block does."""
        board = self._boards[node]
        if board.works:
            work = Work(board.last.memory_available if board.last else None)
        else:
            work = Work(None)
            board.free_before = None
            board.look_now.set()
        board.works.append(work)
        try:
            yield work
        finally:
            board.works.remove(work)

    async def _look(self, node: str) -> None:
        """Take a look at a node, and draw the consequences. One that does not answer is left as it was judged."""
        found = self._reached(node)
        if found is None or (found.session is not None and found.session.lost.is_set()):
            return
        with contextlib.suppress(FarmError):
            sample = await ask(found.session, found.facts.engines, timeout=LOOK_SECONDS)
            self._weigh(node, sample)
            self._judge(node, sample, found.facts.machine)

    def begin(self, facts: Facts) -> None:
        """Judge a node by what it said when it was probed."""
        sample = Sample(
            memory_total=facts.memory_total,
            memory_available=facts.memory_available or None,
            load=facts.load,
            temperature=facts.temperature,
            disk_free=facts.disk_free,
        )
        self._judge(facts.node, sample, facts.machine)

    async def keep_looking(self, node: str, *, every: float) -> None:
        """Look at the node every so many seconds while it has work of ours or is drained; for ever."""
        board = self._boards[node]
        while True:
            if not board.works and board.state.reason is None:
                await board.look_now.wait()
            board.look_now.clear()
            await self._look(node)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(every):
                    await board.look_now.wait()

    def _weigh(self, node: str, sample: Sample) -> None:
        board, free = self._boards[node], sample.memory_available
        if free is None or not board.works:
            return
        if board.free_before is None:
            board.free_before = free
            for work in board.works:
                work.had = work.had or free
        elif len(board.works) == 1:
            (work,) = board.works
            work.seen = max(work.seen or 0, board.free_before - free)

    def _judge(self, node: str, sample: Sample, machine: str) -> None:
        board = self._boards[node]
        before, board.last = board.state.cause, sample
        board.state = drain.judge(board.state, sample, at=asyncio.get_running_loop().time(), machine=machine)
        if board.state.cause != before:
            self._emit(NodeDrained(node=node, reason=board.state.reason))
            self._changed.set()
            self._changed = asyncio.Event()


@contextlib.asynccontextmanager
async def watched(
    names: Collection[str], reached: Callable[[str], Reached | None], emit: Emit, *, every: float = LOOK_EVERY
) -> AsyncIterator[Conditions]:
    """Look at each node while it has work, `every` so many seconds, until the end of the block.

    `reached` gives a node's present connection, None for a node that is away.
    """
    conditions = Conditions(names, reached, emit)
    looking: list[asyncio.Task[None]] = []
    try:
        for name in names:
            if (found := reached(name)) is not None:
                conditions.begin(found.facts)
            looking.append(asyncio.create_task(conditions.keep_looking(name, every=every)))
        yield conditions
    finally:
        for task in looking:
            task.cancel()
        for ended in await asyncio.gather(*looking, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
