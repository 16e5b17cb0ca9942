"""A node's slots, leased on the node itself: coordinators that share it know of each other only there."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import time
from importlib import resources
from typing import TYPE_CHECKING, Protocol

from farm.errors import BusyError, RefusedError, UnreachableError
from farm.inventory import Node
from farm.nodes import local, shell
from farm.report.events import Emit, Warned

if TYPE_CHECKING:
    from farm.nodes.ssh.session import Session

# The script gives up after 25 to 30 s without a sign of life.
_BEAT_SECONDS = 5.0
_POLL_SECONDS = 2.0
_ANSWER_SECONDS = 10.0
_LONGEST_HOLDER = 200
_LONGEST_ANSWER = 64 * (_LONGEST_HOLDER + 2)
_MARK = "farm-lease "


class Running(Protocol):
    """A command that lasts, near or far."""

    async def line(self) -> str:
        """The next line of its output, "" at its end."""

    def send(self, data: bytes, /) -> None:
        """Write to its input."""

    async def close(self) -> None:
        """End its input, and then it."""


class Lease:
    """One of a node's slots, until it is closed. As long, the node ends this connection if the coordinator is silent.

    `slot` counts from 0; it is None where the node cannot lease, and `problem` then says why in one line.
    """

    def __init__(self, running: Running | None, *, slot: int | None = None, problem: str | None = None) -> None:
        self.slot = slot
        self.problem = problem
        self._running = running
        self._beating = asyncio.create_task(_beat(running)) if running else None

    async def close(self) -> None:
        """Give the slot back, within a second even if the node is frozen. May be called twice."""
        if self._beating is not None:
            self._beating.cancel()
        if self._running is not None:
            await self._running.close()


async def lease(session: Session | None, node: Node, *, holder: str, wait: float | None, emit: Emit) -> Lease:
    """Take a free slot of the node; without a session the node is this machine.

    `holder` tells other coordinators in one line who has it. Where all are taken, wait at most `wait` seconds, telling
    once who has them; None is not to wait. A node that cannot lease (no flock, say) gives a lease without a slot.

    Raises BusyError where no slot becomes free in time, UnreachableError where the node is lost or silent.
    """
    try:
        running: Running = await (session.start(shell.COMMAND) if session else local.start("sh", "-s"))
    except RefusedError as error:
        return Lease(None, problem=error.what)
    try:
        running.send(_script(node.slots, holder))
        return await _taken(running, session, node, wait, emit)
    except OSError as error:
        await running.close()
        raise UnreachableError(f"{node.name}: the connection is gone: {error}", fix=_LOST) from error
    except BaseException:
        await running.close()
        raise


_LOST = "check the node's power and network"


async def _taken(running: Running, session: Session | None, node: Node, wait: float | None, emit: Emit) -> Lease:
    until = time.monotonic() + (wait or 0)
    is_told = False
    while True:
        answer, _, rest = (await _answer(running, session, node)).partition(" ")
        if answer == "held" and rest in map(str, range(node.slots)):
            return Lease(running, slot=int(rest))
        if answer != "busy":
            return Lease(running, problem=f"{node.name}: builds of other coordinators are not seen there: {rest}")
        now = time.monotonic()
        if wait is None or now >= until:
            raise BusyError(
                f"{node.name} is busy: its {_slots(node)} held by {rest}", fix="wait, or raise `slots` of this node"
            )
        if not is_told:
            emit(Warned(message=f"{node.name}: waiting for a slot: its {_slots(node)} held by {rest}"))
            is_told = True
        await asyncio.sleep(min(_POLL_SECONDS, until - now))
        running.send(b"take\n")


async def _answer(running: Running, session: Session | None, node: Node) -> str:
    """What the script says, without what a login shell may print before it."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            while line := await running.line():
                if line.startswith(_MARK):
                    # Whatever stands in /tmp of the node goes to a terminal.
                    said = line.removeprefix(_MARK)[:_LONGEST_ANSWER]
                    return "".join(letter for letter in said if letter.isprintable())
    except TimeoutError as error:
        raise UnreachableError(
            f"{node.name}: no answer about its slots within {_ANSWER_SECONDS:g} s", fix="check the load of the node"
        ) from error
    if session is not None and session.lost.is_set():
        raise UnreachableError(f"{node.name}: the connection is gone", fix=_LOST)
    return "none its shell ran no script"


async def _beat(running: Running) -> None:
    # A link that broke is the session's to tell.
    with contextlib.suppress(OSError):
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            running.send(b"\n")


def _script(slots: int, holder: str) -> bytes:
    line = "".join(letter if letter.isprintable() else " " for letter in holder)[:_LONGEST_HOLDER]
    script = resources.files(__package__).joinpath("lease.sh").read_text(encoding="utf-8")
    return f"FARM_SLOTS={slots} FARM_HOLDER={shlex.quote(line)}\n{script}".encode()


def _slots(node: Node) -> str:
    return "slot is" if node.slots == 1 else f"{node.slots} slots are"
