"""Lines for a journal: each with its priority in front, as sd-daemon(3) writes it. Pure.

Whoever reads `journalctl -p warning` sees what went wrong, and not a line of what went well.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import BinaryIO

ERROR, WARNING, INFO, DEBUG = 3, 4, 6, 7

# How farm's own lines begin (farm.report.plain, farm.report.summary); nobody else's words stand at the beginning.
_OF_FARM = r"farm:(?: [^:]*:)? "
_OF_NODE = r"\[[^\]]*\] "
_BEGINNINGS = (
    (re.compile(rf"(?:error|Error|{_OF_FARM}FAILED): "), ERROR),
    # What nobody foresaw: where it begins, and the exception itself.
    (re.compile(r"Traceback \(|[A-Za-z_][\w.]*(?:Error|Exception)(?::|$)"), ERROR),
    (re.compile(rf"(?:{_OF_FARM})?warning: "), WARNING),
    (re.compile(rf"(?:{_OF_FARM}|{_OF_NODE})(?:cannot be looked at|not built): "), WARNING),
    (re.compile(rf"{_OF_NODE}(?:FAILED |not usable: |try \d+ failed )"), WARNING),
    (re.compile(rf"{_OF_NODE}\| "), DEBUG),
)


def priority(line: str) -> int:
    """A line's syslog priority (RFC 5424, 6.2.1): 3 error, 4 warning, 6 information, 7 what a build's steps print."""
    return next((number for beginning, number in _BEGINNINGS if beginning.match(line)), INFO)


def is_journal(environment: Mapping[str, str], device: int, inode: int) -> bool:
    """Whether the file of these numbers is the journal's stream that a service was started with (systemd.exec(5))."""
    return environment.get("JOURNAL_STREAM") == f"{device}:{inode}"


class JournalStream(io.TextIOWrapper):
    """A text stream that writes whole lines, each with its priority in front."""

    def __init__(self, buffer: BinaryIO) -> None:
        super().__init__(buffer, encoding="utf-8", errors="replace", line_buffering=True)
        self._begun = ""

    def write(self, text: str) -> int:
        """Take text in; a line is written once it is whole."""
        *whole, self._begun = (self._begun + text).split("\n")
        for line in whole:
            super().write(f"<{priority(line)}>{line}\n" if line else "\n")
        return len(text)

    def close(self) -> None:
        """Write what is left of a line, and end."""
        if self._begun and not self.closed:
            self.write("\n")
        super().close()
