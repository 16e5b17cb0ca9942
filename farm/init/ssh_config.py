"""The hosts that ~/.ssh/config knows (ssh_config(5)): by name alone, for farm reads the rest there itself each time."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator

from farm.init.candidates import Candidate, Found, Skipped

_MOST_INCLUDES = 16


def read(text: str, include: Callable[[str], Iterable[str]], *, origin: str) -> Found:
    """Every name of a Host line that is no pattern; `include` gives the texts of the files that a pattern means."""
    names: dict[str, None] = dict.fromkeys(_names(text, include, 0))
    users = _users(text)
    return Found.of(
        Skipped(name=name, why="its user is git: a server of sources")
        if users.get(name) == "git"
        else Candidate(name=name, host=name, origin=origin)
        for name in names
    )


def _names(text: str, include: Callable[[str], Iterable[str]], depth: int) -> Iterator[str]:
    for keyword, words in _lines(text):
        if keyword == "host":
            yield from (word for word in words if not re.search(r"[*?!]", word))
        elif keyword == "include" and depth < _MOST_INCLUDES:
            for pattern in words:
                for inner in include(pattern):
                    yield from _names(inner, include, depth + 1)


def _users(text: str) -> dict[str, str]:
    """The login names that stand right under single hosts."""
    users: dict[str, str] = {}
    current: list[str] = []
    for keyword, words in _lines(text):
        if keyword in ("host", "match"):
            current = words if keyword == "host" else []
        elif keyword == "user" and words:
            users |= dict.fromkeys(current, words[0])
    return users


def _lines(text: str) -> Iterator[tuple[str, list[str]]]:
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        # `Keyword value` and `Keyword = value` mean the same.
        keyword, *rest = re.split(r"\s*=\s*|\s+", stripped, maxsplit=1)
        try:
            words = shlex.split(rest[0], comments=True) if rest else []
        except ValueError:
            continue
        yield keyword.lower(), words
