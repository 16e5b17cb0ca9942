"""The log file of one buildx command: what was run, each step, all that was printed, for people to read."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from farm.build import transcript
from farm.build.steps import Change

_LOGIN_IN_URL = re.compile(r"(?<=://)[^/@\s]+@")


class Log:
    """An open log. One file may hold several commands; each begins with its own line."""

    def __init__(self, path: Path, argv: Sequence[str]) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._file.write(f"$ buildx {_LOGIN_IN_URL.sub('***@', shlex.join(argv))}\n")

    def write(self, line: str, changes: Iterable[Change] | None) -> None:
        """Log what a line of buildx's output says: the changes that it stands for, or the line itself."""
        if changes is None:
            self._file.write(f"{line}\n")
        else:
            self._file.writelines(f"{transcript.line(change)}\n" for change in changes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()
