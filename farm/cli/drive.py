"""Run one coroutine as the whole program, so that Ctrl-C and SIGTERM end it cleanly and soon."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from farm.cli import signals
from farm.errors import Exit, InterruptedRunError

T = TypeVar("T")

# An interrupted run must be gone within 3 s: what has not let go by then is left to the kernel.
GRACE = 2.5


def drive(work: Coroutine[Any, Any, T], *, last_resort: Callable[[], None] = lambda: None) -> T:
    """Run `work` to its end; a signal cancels it.

    Raises InterruptedRunError when SIGINT or SIGTERM ended it. Where it does not end within GRACE seconds of the
    signal, `last_resort` is called (it must only do quick, synchronous cleaning) and the process exits with 130. A
    signal that came before raises KeyboardInterrupt.
    """
    was_interrupted = False

    async def whole() -> T:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None

        def give_up() -> None:
            last_resort()
            os._exit(Exit.INTERRUPTED)

        def interrupt() -> None:
            nonlocal was_interrupted
            if was_interrupted:
                return
            was_interrupted = True
            loop.call_later(GRACE, give_up)
            task.cancel()

        for number in heard:
            loop.add_signal_handler(number, interrupt)
        signals.stop_if_asked()
        if "WATCHDOG_USEC" not in os.environ:
            return await work
        from farm.timer import heartbeat

        async with heartbeat.beating():
            return await work

    heard = [signal.SIGINT, signal.SIGTERM]
    # What was started with `nohup` outlives its terminal.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        heard.append(signal.SIGHUP)
    signals.hold()
    try:
        return asyncio.run(whole())
    except asyncio.CancelledError:
        if was_interrupted:
            raise InterruptedRunError("interrupted") from None
        raise
    finally:
        # The loop has put Python's own handlers back.
        signals.listen()
        work.close()
