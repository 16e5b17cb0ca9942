"""Several boards at once: reach, look, do the steps, restart where wanted, hear whether each is a node now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from farm.errors import Exit, FarmError, UsageError
from farm.inventory import Node, authorities
from farm.nodes.engine.choose import choose as choose_engine
from farm.nodes.reach import Reached
from farm.provision import plan
from farm.provision.board import Board
from farm.provision.carry_out import carry_out
from farm.provision.choice import Choice, choose
from farm.provision.plan import Wishes
from farm.provision.programs import Archive, Programs
from farm.provision.step import Result, Step
from farm.workflow.board import look, reached, restart, root, undisturbed


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A line for people about one node, while it is worked on."""

    node: str
    text: str


Tell = Callable[[Result | Told], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioned:
    """How it ended for one node. `ready` says in words with which engine it builds now, None where nobody has asked."""

    node: str
    choice: Choice | None
    results: tuple[Result, ...]
    ready: str | None = None
    error: FarmError | None = None

    @property
    def exit_code(self) -> Exit:
        """That of the error, if any."""
        return Exit.DONE if self.error is None else self.error.exit_code


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What all nodes of a run share. `ask` asks a person for the password of sudo, and is called once at most."""

    wishes: Wishes
    archives: tuple[Archive, ...] = ()
    dry: bool = False
    restart: bool = False
    ask: Callable[[], str]
    tell: Tell


async def provision(nodes: Mapping[str, Node], order: Order) -> list[Provisioned]:
    """Work on all nodes at the same time; an error of one ends none of the others."""
    programs = Programs(order.archives, lambda text: order.tell(Told(node="farm", text=text)))
    password = _Once(order.ask)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_One(node, order, programs, password).done()) for node in nodes.values()]
    return [task.result() for task in tasks]


class _Once:
    """The password, asked for by the first node that needs it; also an answer that was none is the same for all."""

    def __init__(self, ask: Callable[[], str]) -> None:
        self._ask = ask
        self._lock = asyncio.Lock()
        self._answer: str | FarmError | None = None

    async def get(self) -> str:
        async with self._lock:
            if self._answer is None:
                try:
                    self._answer = await asyncio.to_thread(self._ask)
                except FarmError as error:
                    self._answer = error
        if isinstance(self._answer, FarmError):
            raise self._answer
        return self._answer


class _One:
    """One node's way through it."""

    def __init__(self, node: Node, order: Order, programs: Programs, password: _Once) -> None:
        self._node = node
        self._order = order
        self._programs = programs
        self._password = password
        self._results: dict[str, Result] = {}
        self._choice: Choice | None = None

    async def done(self) -> Provisioned:
        try:
            ready = await self._work()
        except FarmError as error:
            return self._ended(error=error)
        return self._ended(ready=ready)

    def _ended(self, *, ready: str | None = None, error: FarmError | None = None) -> Provisioned:
        return Provisioned(
            node=self._node.name, choice=self._choice, results=tuple(self._results.values()), ready=ready, error=error
        )

    async def _work(self) -> str | None:
        if self._node.engine == "local":
            raise UsageError(
                f"{self._node.name} is this machine: farm provisions nodes that it reaches by SSH",
                fix="name a node with a `host:`",
            )
        async with reached(self._node) as found:
            is_anew = await self._once(found)
        if is_anew:
            async with reached(self._node) as found:
                await self._once(found)
        if self._order.dry or self._order.wishes.only:
            return None
        # Anew: who has come into a group has its rights from the next log-in on.
        async with reached(self._node) as found:
            return choose_engine(self._node, found.facts).why

    async def _once(self, found: Reached) -> bool:
        """Do all steps; whether the board was restarted after that, so that they have to be looked at again."""
        session = found.session
        assert session is not None
        async with root(self._node, session, self._password.get, self._say) as shell:
            board = await look(shell)
            steps = await self._steps(board)
            results = await carry_out(
                shell,
                steps,
                dry=self._order.dry,
                undisturbed=lambda: undisturbed(self._node, session, self._say),
                tell=self._tell,
            )
            waits = any(result.state == "reboot" for result in results)
            if not (waits and self._order.restart and not self._order.dry):
                return False
            await restart(self._node, shell, session, board, self._say)
            return True

    def _tell(self, result: Result) -> None:
        before = self._results.get(result.step)
        if before is not None and before.state in ("changed", "reboot") and result.state == "right":
            result = replace(before, state="changed")  # what was done before the restart was done in this run
        self._results[result.step] = result
        self._order.tell(result)

    async def _steps(self, board: Board) -> Sequence[Step]:
        plan.check(self._node, board)
        wishes = self._order.wishes
        choice = self._choice = choose(self._node, board, asked=wishes.engine, rootless=wishes.rootless)
        how = "rootless buildkitd" if choice.rootless else choice.engine
        self._say(f"{board.system}, {board.architecture}: {how}" + (f", {choice.why}" if choice.why else ""))
        programs = await self._programs.of(board.architecture, board.uid) if plan.needs_programs(choice, wishes) else ()
        certificates = await asyncio.to_thread(authorities.certificates, self._node.registries)
        return plan.steps(self._node, board, choice, wishes, certificates=certificates, programs=programs)

    def _say(self, text: str) -> None:
        self._order.tell(Told(node=self._node.name, text=text))
