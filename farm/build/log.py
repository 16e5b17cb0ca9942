"""The log file of one buildx command: what was run, each step, all that was printed, for people to read."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from farm.build import transcript
from farm.build.steps import Change
from farm.sources import giturl

# What the attributes of a cache log in with: BuildKit's docs, "cache backends".
_KEY = re.compile(r"\b(\w*(?:access_key|secret|token|password)\w*=)[^,]+")


class Log:
    """An open log. One file may hold several commands; each begins with its own line.

    A log that cannot be written (a full disk) ends there: that is no reason to fail a build.
    """

    def __init__(self, path: Path, argv: Sequence[str]) -> None:
        self._file: TextIO | None = None
        with contextlib.suppress(OSError):
            # Names of files need not be UTF-8.
            self._file = path.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)
        self._append([f"$ buildx {shlex.join(_shown(argv))}"])

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


def _shown(argv: Sequence[str]) -> Iterator[str]:
    """The words of a command without what may be private: the values of build arguments, keys, logins in URLs."""
    flag = ""
    for word in argv:
        name, equals, _ = word.partition("=")
        yield f"{name}=***" if flag == "--build-arg" and equals else _KEY.sub(r"\1***", giturl.without_login(word))
        flag = word
