"""Several boards at once: reach, look, do the steps, restart where wanted, and hear whether it is a node now."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from farm.errors import Exit, FarmError, UnreachableError, UsageError
from farm.inventory import Node
from farm.nodes.engine.choose import choose as choose_engine
from farm.nodes.lease import Lease, lease
from farm.nodes.probe.answers import UnusableAnswerError
from farm.nodes.reach import Reached, reach
from farm.provision import board as boards
from farm.provision import plan
from farm.provision.become import rights
from farm.provision.board import Board
from farm.provision.carry_out import Root, carry_out
from farm.provision.choice import Choice, choose
from farm.provision.plan import Wishes
from farm.provision.programs import Archive, Programs
from farm.provision.step import Result, Step
from farm.report.events import Event, Warned

if TYPE_CHECKING:
    from farm.nodes.ssh.session import Session
    from farm.provision.connection import Shell

_LOOK_SECONDS = 30.0
_BUILD_ENDS_SECONDS = 1800.0
_RESTART_SECONDS = 300.0
_RESTART_POLL_SECONDS = 3.0


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
        self._results: list[Result] = []
        self._choice: Choice | None = None

    async def done(self) -> Provisioned:
        try:
            ready = await self._work()
        except FarmError as error:
            return self._ended(error=error)
        return self._ended(ready=ready)

    def _ended(self, *, ready: str | None = None, error: FarmError | None = None) -> Provisioned:
        return Provisioned(
            node=self._node.name, choice=self._choice, results=tuple(self._results), ready=ready, error=error
        )

    async def _work(self) -> str | None:
        if self._node.engine == "local":
            raise UsageError(
                f"{self._node.name} is this machine: farm provisions nodes that it reaches by SSH",
                fix="name a node with a `host:`",
            )
        async with _reached(self._node) as found:
            board, waits = await self._once(found)
        if waits and self._order.restart and not self._order.dry:
            async with _reached(self._node) as found:
                await self._restart(found)
            await self._back(board)
            self._results.clear()
            async with _reached(self._node) as found:
                await self._once(found)
        if self._order.dry:
            return None
        # Anew: who has come into a group has its rights from the next log-in on.
        async with _reached(self._node) as found:
            return choose_engine(self._node, found.facts).why

    async def _once(self, found: Reached) -> tuple[Board, bool]:
        """Do all steps; whether one waits for a restart of the board."""
        assert found.session is not None
        async with self._root(found.session) as root:
            board = await _look(root)
            steps = await self._steps(board)
            await carry_out(
                root,
                steps,
                dry=self._order.dry,
                undisturbed=lambda: self._undisturbed(found.session),
                tell=self._tell,
            )
        return board, any(result.state == "reboot" for result in self._results)

    def _tell(self, result: Result) -> None:
        self._results.append(result)
        self._order.tell(result)

    async def _steps(self, board: Board) -> Sequence[Step]:
        wishes = self._order.wishes
        choice = self._choice = choose(self._node, board, asked=wishes.engine, rootless=wishes.rootless)
        how = "rootless buildkitd" if choice.rootless else choice.engine
        self._say(f"{board.system}, {board.architecture}: {how}" + (f", {choice.why}" if choice.why else ""))
        programs = await self._programs.of(board.architecture, board.uid) if plan.needs_programs(choice, wishes) else ()
        certificates = await asyncio.to_thread(_certificates, self._node)
        return plan.steps(self._node, board, choice, wishes, certificates=certificates, programs=programs)

    @contextlib.asynccontextmanager
    async def _root(self, session: Session) -> AsyncIterator[Root]:
        shell = await _second_connection(self._node, session)
        try:
            node = self._node.name
            loop = asyncio.get_running_loop()

            def ask() -> str:
                return asyncio.run_coroutine_threadsafe(self._password.get(), loop).result()

            granted = await asyncio.to_thread(
                rights, node, lambda command, script, within: shell.run(command, script, within=within), ask
            )
            yield Root(node, shell, granted, self._say)
        finally:
            shell.close()

    def _say(self, text: str) -> None:
        self._order.tell(Told(node=self._node.name, text=text))

    @contextlib.asynccontextmanager
    async def _undisturbed(self, session: Session | None) -> AsyncIterator[None]:
        """Hold all slots of the node, so that no build runs there meanwhile."""

        def emit(event: Event) -> None:
            if isinstance(event, Warned):
                self._say(event.message)

        held: list[Lease] = []
        try:
            while len(held) < self._node.slots:
                taken = lease(session, self._node, holder="farm provision", wait=_BUILD_ENDS_SECONDS, emit=emit)
                held.append(await taken)
            yield
        finally:
            for each in held:
                await each.close()

    async def _restart(self, found: Reached) -> None:
        assert found.session is not None
        self._say("restarting it")
        async with self._root(found.session) as root, self._undisturbed(found.session):
            # In a moment, so that this very command has ended before its connection does.
            await root.ask("(sleep 1; systemctl reboot) >/dev/null 2>&1 &\n", within=_LOOK_SECONDS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_RESTART_SECONDS):
                    await found.session.lost.wait()

    async def _back(self, before: Board) -> None:
        """Wait until the node has started anew. Raises UnreachableError where it does not in time."""
        try:
            async with asyncio.timeout(_RESTART_SECONDS):
                while True:
                    await asyncio.sleep(_RESTART_POLL_SECONDS)
                    with contextlib.suppress(UnreachableError):
                        async with _reached(self._node) as found:
                            assert found.session is not None
                            done = await found.session.run("cat /proc/sys/kernel/random/boot_id", timeout=_LOOK_SECONDS)
                        if before.boot not in done.stdout:
                            return
        except TimeoutError as error:
            raise UnreachableError(
                f"{self._node.name}: it has not come back {_RESTART_SECONDS:g} s after its restart",
                fix="look at the board, and run it again: it goes on from there",
            ) from error


@contextlib.asynccontextmanager
async def _reached(node: Node) -> AsyncIterator[Reached]:
    # A board that still starts may be slow to answer the probe.
    found = await reach(node, probe_timeout=_LOOK_SECONDS)
    try:
        yield found
    finally:
        if found.session is not None:
            await found.session.close()


async def _second_connection(node: Node, session: Session) -> Shell:
    from farm.nodes.ssh.target import resolve, resolve_jump

    target = await resolve(node)
    hops = [*[await resolve_jump(node, jump) for jump in target.jumps], target]
    return await asyncio.to_thread(_connect, hops, session.host_keys)


def _connect(hops: Sequence[object], host_keys: tuple[str, ...]) -> Shell:
    from farm.provision.connection import connect

    return connect(hops, host_keys)  # type: ignore[arg-type]


async def _look(root: Root) -> Board:
    done = await root.ask(boards.ASK, within=_LOOK_SECONDS)
    try:
        return boards.read(done.stdout)
    except UnusableAnswerError as error:
        raise UnreachableError(
            f"{root.node}: the board did not say what it is: {error}",
            fix="log in with ssh and run `sudo sh` there",
            details=tuple(done.stderr.strip().splitlines()[-3:]),
        ) from error


def _certificates(node: Node) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, registry in node.registries.items():
        if registry.ca is None:
            continue
        try:
            found[name] = registry.ca.expanduser().read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"the CA of {name}, {registry.ca}, cannot be read: {error}", fix="correct `ca:`"
            ) from error
    return found


def only(wishes: Wishes, *steps: str) -> Wishes:
    """The same wishes for these steps alone."""
    return replace(wishes, only=frozenset(steps))
