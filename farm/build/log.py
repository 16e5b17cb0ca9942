"""The log file of one buildx command: what was run, each step, all that was printed, for people to read."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from farm.build import transcript
from farm.build.steps import Change

_LOGIN_IN_URL = re.compile(r"(?<=://)[^/@\s]+@")


class Log:
    """An open log. One file may hold several commands; each begins with its own line.

    A log that cannot be written (a full disk) ends there: that is no reason to fail a build.
    """

    def __init__(self, path: Path, argv: Sequence[str]) -> None:
        self._file: TextIO | None = None
        with contextlib.suppress(OSError):
            self._file = path.open("a", encoding="utf-8", buffering=1)
        self._append([f"$ buildx {_LOGIN_IN_URL.sub('***@', shlex.join(argv))}"])

    def write(self, line: str, changes: Iterable[Change] | None) -> None:
        """Log what a line of buildx's output says: the changes that it stands for, or the line itself."""
        self._append([line] if changes is None else map(transcript.line, changes))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()

    def _append(self, lines: Iterable[str]) -> None:
        if self._file is None:
            return
        try:
            self._file.writelines(f"{line}\n" for line in lines)
        except OSError:
            self._close()

    def _close(self) -> None:
        if self._file is not None:
            # Closing writes what is left, and closes also where that fails.
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None
