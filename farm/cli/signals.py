"""Ctrl-C and SIGTERM outside the event loop: heard from the program's first line on, never in the middle of an import.

An exception that a signal raises while a module loads may be lost: the import system's own call-backs for weak
references swallow it, and the command would go on as if nobody had pressed a key. So such a signal is only remembered,
until `stop_if_asked`.
"""

from __future__ import annotations

import signal
from types import FrameType

_IMPORT_SYSTEM = "<frozen importlib"

_is_asked = False
_is_held = False


class Asked(KeyboardInterrupt):
    """The user, or the system, asks the command to stop.

    Its own class, as `python -m` ends by the signal instead of by our exit code after a plain KeyboardInterrupt that
    once left an `exec()` of a text (CPython, Python/pythonrun.c), which dataclasses do where they are defined.
    """


def listen() -> None:
    """Take SIGINT and SIGTERM (what `systemctl stop` and cron's time-outs send) for one and the same wish."""
    global _is_held
    _is_held = False
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _hear)


def hold() -> None:
    """Only remember signals until the next `listen`: an event loop that is half made cannot be ended."""
    global _is_held
    _is_held = True


def stop_if_asked() -> None:
    """Raise what could not be raised when the signal came."""
    if _is_asked:
        raise Asked


def _hear(number: int, frame: FrameType | None) -> None:
    del number
    global _is_asked
    _is_asked = True
    if not _is_held and not _is_loading(frame):
        raise Asked


def _is_loading(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith(_IMPORT_SYSTEM):
            return True
        frame = frame.f_back
    return False
