"""What a run does with its nodes' power: it wakes those it needs, cycles those it loses, and puts back to sleep."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

from farm.errors import FarmError, SilentError, UnreachableError
from farm.inventory import Node
from farm.nodes import power
from farm.nodes.facts import Facts, Unreachable
from farm.nodes.power import PowerError
from farm.nodes.reach import Reached, reach
from farm.plan.waking import can_wake, to_wake
from farm.platforms import Platform
from farm.report import words
from farm.report.events import Emit, NodeProbed, PowerUsed, Warned
from farm.report.power import Power, PowerUse
from farm.retry import retrying
from farm.workflow.survey import Survey, summary, usable
from farm.workflow.together import together

# A link that flaps or an sshd that restarts is back within this; a node that is not is lost for good.
LOST_FOR_GOOD = 15.0
# A run that is interrupted has 2.5 s to end all that it began.
_HURRY = 0.7
_ASK_SECONDS = 5.0


class Switches:
    """The power of one run's nodes: each is woken, and cycled, at most once. `uses` is what was done so far."""

    def __init__(self, nodes: Mapping[str, Node], *, logs: Path, emit: Emit) -> None:
        self.uses: list[PowerUse] = []
        self._nodes = nodes
        self._logs = logs
        self._emit = emit
        self._seen: set[str] = set()
        self._tried: set[tuple[str, Power]] = set()
        self._woken: set[str] = set()

    async def wake_for(self, wanted: Sequence[Platform], survey: Survey) -> Survey:
        """Wake what the wanted platforms need (farm.plan.waking), and add their answers to the survey's.

        What does not wake is an `Unreachable` among the answers, as before, and another node that may do is woken.
        """
        answers = dict(survey.answers)
        while names := to_wake(wanted, self._nodes, answers, tried=self._given_up("wake")):
            answers |= dict(await together(self._answer(name, survey.reached) for name in names))
        return replace(survey, answers=answers)

    async def reach(self, node: Node) -> Reached:
        """Reach a node in the middle of a run; if it is silent, by way of its power.

        One that answered before in this run is given some time, and then cycled; any other one is woken. Raises what
        reaching it raises, and UnreachableError where it does not come up in time.
        """
        try:
            found = await reach(node)
        except SilentError:
            if self.may_cycle(node.name) and node.name in self._seen:
                return await self._cycled(node)
            if not can_wake(node) or node.name in self._given_up("wake"):
                raise
            return await self.wake(node)
        self.saw([node.name])
        return found

    async def wake(self, node: Node) -> Reached:
        """Wake a node and wait until it answers. Raises UnreachableError."""
        with self._told(node, "wake", "it is asleep"):
            await power.wake(node, self._log(node))
            found = await self._came_up(node, "was woken")
        self._woken.add(node.name)
        self.saw([node.name])
        return found

    async def cycle(self, node: Node, why: str) -> Reached:
        """Take a node's power away and give it back, and wait until it answers. Raises UnreachableError."""
        with self._told(node, "cycle", why):
            await power.run(node, "cycle", self._log(node))
            return await self._came_up(node, "was cycled")

    async def off(self, node: Node, why: str) -> None:
        """Switch a node off. Raises UnreachableError where its command fails."""
        with self._told(node, "off", why):
            await power.run(node, "off", self._log(node))

    def saw(self, names: Collection[str]) -> None:
        """Remember that these nodes answered."""
        self._seen.update(names)

    def may_cycle(self, name: str) -> bool:
        """Whether the node can be cycled, and has not been in this run."""
        its = self._nodes[name].power
        return its is not None and bool(its.cycle) and name not in self._given_up("cycle")

    @asynccontextmanager
    async def put_back(self, reached: Mapping[str, Reached]) -> AsyncIterator[None]:
        """At the end of the block put to sleep what this run has woken, where the inventory says so.

        Not where somebody else builds there. A run that is interrupted leaves the commands running. What cannot be done
        is a warning.
        """
        in_a_hurry = False
        try:
            yield
        except asyncio.CancelledError:
            in_a_hurry = True
            raise
        finally:
            nodes = [self._nodes[name] for name in sorted(self._woken)]
            to_sleep = [node for node in nodes if node.power and node.power.sleep_after and node.power.off]
            await asyncio.gather(*(self._asleep(node, reached.get(node.name), in_a_hurry) for node in to_sleep))

    def _given_up(self, action: Power) -> set[str]:
        return {name for name, tried in self._tried if tried == action}

    async def _answer(self, name: str, reached: dict[str, Reached]) -> tuple[str, Facts | Unreachable]:
        began = time.monotonic()
        try:
            found = reached[name] = await self.wake(self._nodes[name])
        except FarmError as error:
            self._emit(NodeProbed(node=name, seconds=time.monotonic() - began, summary="", error=error.what))
            return name, Unreachable(node=name, error=error)
        self._emit(NodeProbed(node=name, seconds=time.monotonic() - began, summary=f"{summary(found.facts)}; woken"))
        return name, found.facts

    async def _cycled(self, node: Node) -> Reached:
        until = time.monotonic() + LOST_FOR_GOOD

        def patient(error: Exception, _tries: int) -> float | None:
            return 1.0 if isinstance(error, SilentError) and time.monotonic() < until else None

        try:
            return await retrying(lambda: reach(node), pause_after=patient)
        except SilentError:
            pass
        return await self.cycle(node, "it is lost")

    async def _came_up(self, node: Node, what: str) -> Reached:
        """Wait until the node answers and its engine is there. Raises UnreachableError after its time."""
        assert node.power is not None
        limit = node.power.wake_within
        until = time.monotonic() + limit

        async def ask() -> Reached:
            if what == "was woken" and node.power and node.power.mac:
                await power.send_magic_packet(node)
            found, _why = await usable(node, min(10.0, limit))
            return found

        def patient(error: Exception, _tries: int) -> float | None:
            return 1.0 if isinstance(error, UnreachableError) and time.monotonic() < until else None

        try:
            async with asyncio.timeout(limit + _ASK_SECONDS):
                return await retrying(ask, pause_after=patient)
        except (UnreachableError, TimeoutError) as error:
            last = error.what if isinstance(error, UnreachableError) else "it gave no answer"
            raise UnreachableError(
                f"{node.name} {what} and did not come up within {words.seconds(limit)}: {last}",
                fix="try its `power:` settings by hand, or give it more time there",
                details=error.details if isinstance(error, UnreachableError) else (),
            ) from error

    async def _asleep(self, node: Node, found: Reached | None, in_a_hurry: bool) -> None:
        if found is None or found.session is None or found.session.lost.is_set():
            self._emit(Warned(message=f"{node.name} stays as it is: it no longer says whether somebody builds there"))
            return
        try:
            busy = await power.in_use(found.session, timeout=_HURRY if in_a_hurry else _ASK_SECONDS)
            if busy:
                self._emit(Warned(message=f"{node.name} is not put back to sleep: {busy}"))
                return
            if not in_a_hurry:
                await self.off(node, "this run woke it")
                return
            with self._told(node, "off", "this run woke it"):
                power.leave_running(node, "off", self._log(node))
        except FarmError as error:
            self._emit(Warned(message=f"{node.name} is not put back to sleep: {error.what}"))

    @contextmanager
    def _told(self, node: Node, action: Power, why: str) -> Iterator[None]:
        """Say and remember one use of the node's power, and how it ended; PowerError ends it as UnreachableError."""
        self._tried.add((node.name, action))
        self._emit(PowerUsed(node=node.name, action=action, reason=why))
        began, problem = time.monotonic(), None
        try:
            yield
        except FarmError as error:
            problem = error.what
            if isinstance(error, PowerError):
                raise UnreachableError(error.what, fix=error.fix) from error
            raise
        finally:
            seconds = time.monotonic() - began
            self.uses.append(PowerUse(node=node.name, action=action, seconds=seconds, error=problem))

    def _log(self, node: Node) -> Path:
        return self._logs / f"power-{node.name}.log"
