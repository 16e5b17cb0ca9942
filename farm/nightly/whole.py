"""A night from its lock to its message: never two at once, and whoever wants to know is told how it went."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from farm.errors import BusyError, Exit, FarmError, InterruptedRunError
from farm.inventory import Inventory, Notify
from farm.inventory.proxies import environment
from farm.nightly.decided import Asked, Tools
from farm.nightly.night import Done, night, write_down
from farm.notify import services, switch
from farm.notify.message import message
from farm.notify.night import Night
from farm.notify.switch import Signal
from farm.report import plain
from farm.report.events import Emit, Event, LogLine, StepFinished, StepStarted, Warned
from farm.workflow import lock

_KEPT_LINES = 200
# The end of a night that is well: nothing that a watcher should wake anybody for, as with the timer's unit.
_WELL = (Exit.DONE, Exit.PARTIAL, Exit.BUSY)


async def whole_night(asked: Asked, *, inventory: Inventory, tools: Tools, after: float = 0.0) -> Done:
    """Do it all; the night begins `after` so many seconds.

    Raises BusyError where a night goes on already, and whatever ends this one as a whole; that is told, too.
    """
    lines = _Lines(tools.emit)
    tools = replace(tools, emit=lines)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(_alone(tools))
        if after:
            await tools.clock.sleep(after)
        # What comes by the way must not make a watcher believe that the timer of the nights still works.
        watcher = None if asked.is_triggered else inventory.notify
        say = await stack.enter_async_context(_watched(watcher, inventory, lines))
        done = await _night(asked, inventory, tools)
        write_down(done, tools)
        await _tell(done.night, inventory, lines)
        say("success" if done.exit_code in _WELL else "fail")
    return done


@contextlib.asynccontextmanager
async def _alone(tools: Tools) -> AsyncIterator[None]:
    held = lock.held(
        ["the night"],
        directory=tools.state / "locks",
        run="nightly",
        wait=None,
        emit=tools.emit,
        goes_on="is already worked at",
    )
    async with contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(held)
        except BusyError as error:
            raise BusyError(
                error.what, fix="let it end: what it does not get to comes first in the next one"
            ) from error
        yield


async def _night(asked: Asked, inventory: Inventory, tools: Tools) -> Done:
    """The night; one that ends early is told of before its error goes on.

    Of one that was interrupted only the watcher hears: whoever did that knows, or has seconds until the power goes.
    """
    began, started = tools.clock.elapsed(), tools.clock.now()
    try:
        return await night(asked, inventory=inventory, tools=tools)
    except InterruptedRunError:
        raise
    except FarmError as error:
        early = Night(
            started=started,
            seconds=tools.clock.elapsed() - began,
            coordinator=socket.gethostname(),
            error=error.what,
        )
        await _tell(early, inventory, tools.emit)
        raise


async def _tell(what: Night, inventory: Inventory, emit: Emit) -> None:
    if inventory.notify is None or not inventory.notify.urls:
        return
    told = message(what, inventory.notify)
    if told is None:
        return
    for problem in await services.send(inventory.notify, told, variables=environment(inventory.proxy)):
        emit(Warned(message=str(problem)))


@dataclass(slots=True)
class _Say:
    """How the night went, as a watcher is to hear it: badly, unless somebody says otherwise before its end."""

    signal: Signal = "fail"

    def __call__(self, signal: Signal) -> None:
        self.signal = signal


@contextlib.asynccontextmanager
async def _watched(notify: Notify | None, inventory: Inventory, lines: _Lines) -> AsyncIterator[_Say]:
    """Tell a dead man's switch of the block's start and end, if there is one."""
    say = _Say()
    await _ping(notify, inventory, "start", lines)
    try:
        yield say
    finally:
        await _ping(notify, inventory, say.signal, lines)


async def _ping(notify: Notify | None, inventory: Inventory, signal: Signal, lines: _Lines) -> None:
    if notify is None or notify.ping is None:
        return
    log = "" if signal == "start" else lines.text
    variables = environment(inventory.proxy)
    if problem := await switch.ping(notify.ping, signal, log, within=notify.within, variables=variables):
        lines(Warned(message=str(problem)))


@dataclass(slots=True)
class _Lines:
    """Passes events on, and keeps the last lines of them but for what the builds' own programs print."""

    emit: Emit
    kept: list[str] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        self.emit(event)
        inner = getattr(event, "event", event)
        if not isinstance(inner, LogLine | StepStarted | StepFinished) and (line := plain.line(event)):
            self.kept.append(line)
            del self.kept[:-_KEPT_LINES]

    @property
    def text(self) -> str:
        return "\n".join(self.kept)
