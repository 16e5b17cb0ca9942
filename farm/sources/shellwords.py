"""Variables in a Dockerfile's words: `$NAME`, `${NAME:-default}` and the like.

Source: the Dockerfile reference, "Environment replacement", and BuildKit's frontend/dockerfile/shell/lex.go for what it
leaves open. Pattern forms (`${name#pattern}`, `${name/from/to}`) are told apart and refused, not guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+")


class CannotExpandError(ValueError):
    """A word that farm cannot expand, with the reason."""


def expand(word: str, variables: Mapping[str, str], escape: str = "\\") -> str:
    """The word with its variables replaced and its quotes removed; a variable that is not set gives nothing.

    Raises CannotExpandError for a pattern form, a `${NAME:?message}` that is not set, and broken syntax.
    """
    result, rest = _Reader(word, variables, escape).until("")
    if rest:
        raise CannotExpandError(f"{word!r} does not end where it should")
    return result


class _Reader:
    """Reads one word from left to right; every method returns what it read and what is left."""

    def __init__(self, word: str, variables: Mapping[str, str], escape: str) -> None:
        self._rest = word
        self._variables = variables
        self._escape = escape

    def until(self, stop: str) -> tuple[str, str]:
        result: list[str] = []
        while self._rest and not (stop and self._rest[0] == stop):
            char = self._take()
            if char == self._escape:
                result.append(self._take())
            elif char == "'":
                result.append(self._single())
            elif char == '"':
                result.append(self._double())
            elif char == "$":
                result.append(self._variable())
            else:
                result.append(char)
        if stop and not self._rest:
            raise CannotExpandError(f"a {stop} is missing")
        return "".join(result), self._rest

    def _take(self) -> str:
        char, self._rest = self._rest[:1], self._rest[1:]
        return char

    def _single(self) -> str:
        text, quote, self._rest = self._rest.partition("'")
        if not quote:
            raise CannotExpandError("a closing ' is missing")
        return text

    def _double(self) -> str:
        result: list[str] = []
        while self._rest and self._rest[0] != '"':
            char = self._take()
            if char == "$":
                result.append(self._variable())
            elif char == self._escape and self._rest[:1] in ('"', "$", self._escape):
                result.append(self._take())
            else:
                result.append(char)
        if not self._take():
            raise CannotExpandError('a closing " is missing')
        return "".join(result)

    def _variable(self) -> str:
        if not self._rest.startswith("{"):
            name = self._name()
            return self._variables.get(name, "") if name else "$"
        self._take()
        name = self._name()
        if not name:
            raise CannotExpandError("${ is not followed by a name")
        operator = self._take()
        if operator == "}":
            return self._variables.get(name, "")
        if operator == ":":
            operator += self._take()
        if operator.lstrip(":") not in ("-", "+", "?") or not operator.lstrip(":"):
            raise CannotExpandError(f"${{{name}{operator}...}} changes a variable in a way that farm does not follow")
        alternative, _ = self.until("}")
        self._take()
        return self._chosen(name, operator, alternative)

    def _chosen(self, name: str, operator: str, alternative: str) -> str:
        value = self._variables.get(name)
        is_there = bool(value) if operator.startswith(":") else value is not None
        if operator.endswith("+"):
            return alternative if is_there else ""
        if not is_there and operator.endswith("?"):
            raise CannotExpandError(f"{name}: {alternative or 'it must be set'}")
        return (value or "") if is_there else alternative

    def _name(self) -> str:
        match = _NAME.match(self._rest)
        self._rest = self._rest[match.end() :] if match else self._rest
        return match[0] if match else ""
