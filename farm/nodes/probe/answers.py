"""What the probe's script printed, as keys and values. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_BEGIN = "farm-probe begin"
_END = "farm-probe end"
_KEYED = re.compile(r"([a-z0-9.]+)=")


class UnusableAnswerError(Exception):
    """The output is not a whole answer; the message says in words what is wrong with it."""


class Answers:
    """All values for each key, in the order in which they came."""

    def __init__(self, values: Mapping[str, list[str]]) -> None:
        self._values = values

    def all(self, key: str) -> list[str]:
        """Every value of a key that may come several times."""
        return self._values.get(key, [])

    def first(self, key: str) -> str | None:
        """The value of a key that comes once; None if it did not come or says nothing."""
        values = self._values.get(key)
        return (values[0].strip() or None) if values else None

    def fields(self, key: str, separator: str = ":") -> Iterator[tuple[str, str]]:
        """The values of a key that are themselves `name: value`, as /proc writes them."""
        for value in self.all(key):
            name, found, rest = value.partition(separator)
            if found:
                yield name.strip(), rest.strip()


def read(output: str) -> Answers:
    """The lines between the two markers; what a login shell prints around them is skipped.

    Raises UnusableAnswerError where the markers are not there: the output is something else, or it was cut short.
    """
    lines = iter(output.replace("\r\n", "\n").split("\n"))
    if not any(line == _BEGIN for line in lines):
        first = next((line.strip() for line in output.splitlines() if line.strip()), None)
        raise UnusableAnswerError(f"it answered {first[:80]!r} instead" if first else "it answered nothing")
    values: dict[str, list[str]] = {}
    key = ""
    for line in lines:
        if line == _END:
            return Answers(values)
        keyed = _KEYED.match(line)
        if keyed:
            key, line = keyed[1], line[keyed.end() :]
        # What follows without a key is the rest of the output of one command, such as df's table.
        values.setdefault(key, []).append(line)
    raise UnusableAnswerError("its answer was cut short")
