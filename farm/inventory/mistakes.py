"""A mistake in an inventory, with its place, and the one error that carries them all."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from farm.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One thing that is wrong: where, what, what was expected there, and how to mend it.

    `line` and `column` count from 1; both are None where the whole file is meant.
    """

    file: str
    line: int | None = None
    column: int | None = None
    message: str
    expected: str | None = None
    hint: str | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        expected = f"expected {self.expected}" if self.expected else None
        line = f"{place}: {' - '.join(part for part in (self.message, expected, self.hint) if part)}"
        # What a file says must not reach the terminal as a control sequence.
        return "".join(char if char.isprintable() else repr(char)[1:-1] for char in line)


class InventoryError(UsageError):
    """An inventory that cannot be used; `mistakes` holds every reason, in the order of the file.

    A single mistake is the error's `what`; several are counted there and listed in `details`, one a line.
    """

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(dict.fromkeys(mistakes), key=lambda m: (m.line or 0, m.column or 0)))
        lines = tuple(str(mistake) for mistake in self.mistakes)
        if len(lines) == 1:
            super().__init__(lines[0])
        else:
            super().__init__(f"{self.mistakes[0].file}: {len(lines)} mistakes", details=lines)

    def __str__(self) -> str:
        return "\n".join(str(mistake) for mistake in self.mistakes)


def did_you_mean(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The hint that names the known word nearest to `word`, or None where nothing is as near as `cutoff` (0 to 1)."""
    near = get_close_matches(word.lower(), known, n=1, cutoff=cutoff)
    return f"did you mean `{near[0]}`?" if near else None


def show(value: object) -> str:
    """A value as it may be printed: quoted, shortened, without control characters and without `:password@`."""
    text = re.sub(r"(?<=:)[^/@\s]+(?=@)", "***", repr(value))
    return text if len(text) <= 70 else f"{text[:60]}...{text[-1]}"


def plain(name: str) -> str:
    """A name as it may be printed: as `show` does it, without the quotes."""
    return show(name)[1:-1]
