"""How the nodes are while a run of several jobs builds on them: who is drained, and what memory a build takes.

    async with conditions.watched(nodes, survey.reached.get, emit) as nodes:
        nodes.drained("pi4")                      # in words why no job should start there now, else None
        nodes.as_of_now(survey.answers)           # with the memory and the load of each node before our own builds
        await nodes.until_change()                # some node was drained, or may be used again
        with nodes.working("pi4") as work:        # around each try
            ...
        Attempt(..., memory=work.peak(out_of_memory=kind is Kind.OUT_OF_MEMORY))

For each cause a node is drained at most as long as `farm.plan.drain.PATIENCE` says: nobody waits for it for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from farm.errors import FarmError
from farm.inventory import Node
from farm.nodes.facts import Facts, Unreachable
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
    grew meanwhile; a short peak may be missed. `had` is what was available when this one began, and `limit` what all
    builds may take there; in bytes.
    """

    def __init__(self, had: int | None, limit: int | None) -> None:
        self.had = had
        self.seen: int | None = None
        self._limit = limit

    def peak(self, *, out_of_memory: bool = False) -> int | None:
        """Bytes; None where it was not seen. A build that ran out of memory takes at least what there was for it."""
        had = min((each for each in (self.had, self._limit) if each is not None), default=None)
        known = (self.seen, had if out_of_memory else None)
        return max((each for each in known if each is not None), default=None)


@dataclass(slots=True, kw_only=True)
class _Board:
    """One node: what is held against it, its last sample, the last before our builds there and its time, and those.

    `is_before_due`: our builds there have begun, and the look that says what there was before is still on its way.
    `begun` is set when our builds begin there, `due` when that calls for a look at once.
    """

    state: drain.State = field(default_factory=drain.State)
    last: Sample | None = None
    before: Sample | None = None
    before_at: float = 0.0
    is_before_due: bool = False
    works: list[Work] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    due: asyncio.Event = field(default_factory=asyncio.Event)


class Conditions:
    """The nodes of one run, made by `watched`."""

    def __init__(
        self, nodes: Mapping[str, Node], reached: Callable[[str], Reached | None], emit: Emit, *, every: float
    ) -> None:
        self._nodes = nodes
        self._reached = reached
        self._emit = emit
        self._every = every
        self._boards = {name: _Board() for name in nodes}
        self._changed = asyncio.Event()

    def drained(self, node: str) -> str | None:
        """Why nothing should start on the node now, in words; None where it may."""
        return self._boards[node].state.reason

    def as_of_now(self, answers: Mapping[str, Facts | Unreachable]) -> dict[str, Facts | Unreachable]:
        """The answers, with what memory was free and how busy the node was when it last did nothing for us."""
        return {name: self._as_of_now(name, answer) for name, answer in answers.items()}

    def _as_of_now(self, node: str, answer: Facts | Unreachable) -> Facts | Unreachable:
        before = self._boards[node].before
        if isinstance(answer, Unreachable) or before is None or before.memory_available is None:
            return answer
        return replace(answer, memory_available=before.memory_available, load=before.load)

    async def until_change(self) -> None:
        """Return when the next node is drained, or may be used again."""
        await self._changed.wait()

    @contextlib.contextmanager
    def working(self, node: str) -> Iterator[Work]:
        """A build of ours runs on the node for as long as the block does."""
        board = self._boards[node]
        if not board.works:
            # What the probe has just said need not be asked again: most runs are over before the first look.
            board.is_before_due = board.before is None or self._now() - board.before_at > self._every
            board.begun.set()
            if board.is_before_due:
                board.due.set()
        known = board.last if board.works else board.before
        had = None if known is None or board.is_before_due else known.memory_available
        work = Work(had, self._nodes[node].limits.memory)
        board.works.append(work)
        try:
            yield work
        finally:
            board.works.remove(work)

    async def _look(self, node: str) -> None:
        """Take a look at a node, and draw the consequences. One that does not answer is left as it was judged."""
        board, found = self._boards[node], self._reached(node)
        if found is None or (found.session is not None and found.session.lost.is_set()):
            return
        # A look that is under way when builds begin says what there was during those before them.
        is_before = board.is_before_due or not board.works
        with contextlib.suppress(FarmError):
            sample = await ask(found.session, found.facts.engines, timeout=LOOK_SECONDS)
            self._weigh(board, sample, is_before=is_before)
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
        self._weigh(self._boards[facts.node], sample, is_before=True)
        self._judge(facts.node, sample, facts.machine)

    async def keep_looking(self, node: str) -> None:
        """Look at the node again and again while it has work of ours or is drained; for ever."""
        board = self._boards[node]
        while True:
            if not board.works and board.state.reason is None:
                board.begun.clear()
                await board.begun.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await board.due.wait()
            board.due.clear()
            if board.works or board.state.reason is not None:
                await self._look(node)

    def _weigh(self, board: _Board, sample: Sample, *, is_before: bool) -> None:
        free = sample.memory_available
        if is_before:
            board.before, board.before_at, board.is_before_due = sample, self._now(), False
            for work in board.works:
                work.had = work.had or free
        elif len(board.works) == 1 and not board.is_before_due and free is not None:
            (work,), had = board.works, board.before.memory_available if board.before else None
            work.seen = work.seen if had is None else max(work.seen or 0, had - free)

    def _judge(self, node: str, sample: Sample, machine: str) -> None:
        board = self._boards[node]
        before, board.last = board.state.cause, sample
        board.state = drain.judge(board.state, sample, at=self._now(), machine=machine)
        if board.state.cause != before:
            self._emit(NodeDrained(node=node, reason=board.state.reason))
            self._changed.set()
            self._changed = asyncio.Event()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


@contextlib.asynccontextmanager
async def watched(
    nodes: Mapping[str, Node], reached: Callable[[str], Reached | None], emit: Emit, *, every: float = LOOK_EVERY
) -> AsyncIterator[Conditions]:
    """Look at each node while it has work, `every` so many seconds, until the end of the block.

    `reached` gives a node's present connection, None for a node that is away.
    """
    conditions = Conditions(nodes, reached, emit, every=every)
    looking: list[asyncio.Task[None]] = []
    try:
        for name in nodes:
            if (found := reached(name)) is not None:
                conditions.begin(found.facts)
            looking.append(asyncio.create_task(conditions.keep_looking(name)))
        yield conditions
    finally:
        for task in looking:
            task.cancel()
        for ended in await asyncio.gather(*looking, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
