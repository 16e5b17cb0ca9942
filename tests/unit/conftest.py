"""Unit tests decide; they do not touch the world. An audit hook makes sure: a test that tries fails by name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

_REPOSITORY = Path(__file__).resolve().parents[2]
# Python itself reads modules when a test imports lazily, and tests read their own data files.
_READABLE = tuple({str(_REPOSITORY / "farm"), str(_REPOSITORY / "tests"), sys.prefix, sys.base_prefix})
_FORBIDDEN = ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.posix_spawn")
_is_armed = False

# The machine may be busy, and examples that failed once are not kept in a file.
settings.register_profile("unit", deadline=None, database=None)
settings.load_profile("unit")


class IoInUnitTestError(AssertionError):
    """A unit test touched the network, a process or a file."""


def _forbid(event: str, arguments: tuple[Any, ...]) -> None:
    if not _is_armed:
        return
    if event in _FORBIDDEN:
        raise IoInUnitTestError(f"{event}: {arguments[:2]}")
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        path, mode = str(arguments[0]), arguments[1] or "r"
        if any(letter in mode for letter in "wxa+") or not path.startswith(_READABLE):
            raise IoInUnitTestError(f"open {path!r} with mode {mode!r}")


sys.addaudithook(_forbid)


@pytest.fixture(autouse=True)
def no_io(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    global _is_armed
    # Nor does Python write what it compiles of a module that is first loaded in a test.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    _is_armed = True
    try:
        yield
    finally:
        _is_armed = False
