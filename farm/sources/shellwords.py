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


# BuildKit reads no longer line (bufio.MaxScanTokenSize); no image has a longer name; nobody nests deeper.
_LONGEST_WORD, _LONGEST_RESULT, _DEEPEST = 65_535, 1024, 50


def expand(word: str, variables: Mapping[str, str], escape: str = "\\") -> str:
    """The word with its variables replaced and its quotes removed; a variable that is not set gives nothing.

    Raises CannotExpandError for a pattern form, a `${NAME:?message}` that is not set, broken syntax, and what becomes
    longer than the name of any image: variables that double each other would fill all memory.
    """
    if len(word) > _LONGEST_WORD:
        raise CannotExpandError(f"a word of {len(word)} characters is too long")
    result = _Reader(word, variables, escape).until("")
    if len(result) > _LONGEST_RESULT:
        raise CannotExpandError(f"it is {len(result)} characters long, and no image's name is")
    return result


class _Reader:
    """Reads one word from left to right; every method returns what it has read."""

    def __init__(self, word: str, variables: Mapping[str, str], escape: str) -> None:
        self._word = word
        self._at = 0
        self._depth = 0
        self._variables = variables
        self._escape = escape

    def until(self, stop: str) -> str:
        result: list[str] = []
        while self._next and self._next != stop:
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
        if stop and not self._next:
            raise CannotExpandError(f"a {stop} is missing")
        return "".join(result)

    @property
    def _next(self) -> str:
        return self._word[self._at : self._at + 1]

    def _take(self) -> str:
        char = self._next
        self._at += len(char)
        return char

    def _single(self) -> str:
        end = self._word.find("'", self._at)
        if end < 0:
            raise CannotExpandError("a closing ' is missing")
        text, self._at = self._word[self._at : end], end + 1
        return text

    def _double(self) -> str:
        result: list[str] = []
        while self._next and self._next != '"':
            char = self._take()
            if char == "$":
                result.append(self._variable())
            elif char == self._escape and self._next in ('"', "$", self._escape):
                result.append(self._take())
            else:
                result.append(char)
        if not self._take():
            raise CannotExpandError('a closing " is missing')
        return "".join(result)

    def _variable(self) -> str:
        if self._next != "{":
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
        return self._chosen(name, operator, self._alternative())

    def _alternative(self) -> str:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise CannotExpandError(f"more than {_DEEPEST} variables are one in the other")
        text = self.until("}")
        self._take()
        self._depth -= 1
        return text

    def _chosen(self, name: str, operator: str, alternative: str) -> str:
        value = self._variables.get(name)
        is_there = bool(value) if operator.startswith(":") else value is not None
        if operator.endswith("+"):
            return alternative if is_there else ""
        if not is_there and operator.endswith("?"):
            raise CannotExpandError(f"{name}: {alternative or 'it must be set'}")
        return (value or "") if is_there else alternative

    def _name(self) -> str:
        match = _NAME.match(self._word, self._at)
        self._at = match.end() if match else self._at
        return match[0] if match else ""
