"""`.dockerignore`: which files of a context are not sent.

Source: Docker's documentation of .dockerignore; github.com/moby/patternmatcher. The last pattern that matches a path,
or a directory above it, decides; `!` takes a path back in, even below a directory that is left out.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from farm.errors import UsageError

_WILD = re.compile(r"[*?\[\]\\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One line. `literal` is its text up to the first wildcard: only what lies there can match."""

    expression: re.Pattern[str]
    is_exception: bool
    literal: str
    is_literal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a path is left out, and which patterns have matched it or a directory above it."""

    is_ignored: bool
    matched: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """All patterns in their order. Paths are relative to the context, with slashes and none at the start."""

    patterns: tuple[Pattern, ...] = ()

    def judge(self, path: str, above: Verdict | None = None) -> Verdict:
        """Judge a path, given the verdict on the directory that holds it (None in the context's root)."""
        is_ignored = False
        matched: list[bool] = []
        for index, pattern in enumerate(self.patterns):
            is_match = above.matched[index] if above else False
            # As in moby/patternmatcher, a pattern that could change nothing is not looked at, nor remembered.
            if not is_match and pattern.is_exception == is_ignored:
                is_match = pattern.expression.match(path) is not None
            matched.append(is_match)
            if is_match:
                is_ignored = not pattern.is_exception
        return Verdict(is_ignored=is_ignored, matched=tuple(matched))

    def is_ignored(self, path: str) -> bool:
        """Whether a path is left out, judged from the root down."""
        verdict: Verdict | None = None
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            verdict = self.judge("/".join(parts[:end]), verdict)
        return verdict is not None and verdict.is_ignored

    def may_hold_exceptions(self, directory: str) -> bool:
        """Whether something below a directory that is left out can still be taken back in."""
        below = f"{directory}/"
        return any(
            pattern.literal.startswith(below) or (not pattern.is_literal and below.startswith(pattern.literal))
            for pattern in self.patterns
            if pattern.is_exception
        )


def parse(text: str, place: str = ".dockerignore") -> Ignore:
    """Read the file's text. Raises UsageError with `place:line` for a pattern that Docker refuses too."""
    patterns: list[Pattern] = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        words = line.strip()
        if not words or line.startswith("#"):
            continue
        # Cleaned twice, before and after the first slash is dropped, as Docker does: /!a is an exception too.
        cleaned = _cleaned(f"!{_relative(words[1:].strip())}" if words.startswith("!") else _relative(words))
        is_exception = cleaned.startswith("!")
        pattern = cleaned[1:] if is_exception else cleaned
        if not pattern:
            raise UsageError(f"{place}:{number}: a lone ! takes nothing back in", fix="write a pattern after it")
        wild = _WILD.search(pattern)
        try:
            expression = re.compile(_expression(pattern))
        except (re.error, ValueError) as error:
            raise UsageError(f"{place}:{number}: {words!r} is not a pattern: {error}") from error
        patterns.append(
            Pattern(
                expression=expression,
                is_exception=is_exception,
                literal=pattern[: wild.start()] if wild else pattern,
                is_literal=wild is None,
            )
        )
    return Ignore(patterns=tuple(patterns))


def _cleaned(pattern: str) -> str:
    return re.sub(r"\A//", "/", posixpath.normpath(pattern))


def _relative(pattern: str) -> str:
    """Cleaned, and without the slash that may stand for the context's root."""
    return re.sub(r"\A/(?=.)", "", _cleaned(pattern)) if pattern else ""


def _expression(pattern: str) -> str:
    """A regular expression for the whole path."""
    if pattern.startswith("**") and not _WILD.search(pattern[2:]):
        # Without another wildcard Docker compares the path's end: **foo is any path that ends in foo.
        rest = pattern[2:]
        return rf"(?:.*/)?{re.escape(rest[1:])}\Z" if rest.startswith("/") else rf".*{re.escape(rest)}\Z"
    result, position = "", 0
    while position < len(pattern):
        if pattern.startswith("**", position):
            position += 3 if pattern.startswith("**/", position) else 2
            piece = "(?:.*/)?" if position < len(pattern) else ".*"
            result = result.removesuffix(piece) + piece  # twice would match the same, but take far longer to fail
            continue
        char = pattern[position]
        position += 1
        if char == "*":
            result = result.removesuffix("[^/]*") + "[^/]*"
        elif char == "?":
            result += "[^/]"
        elif char == "[":
            piece, position = _class(pattern, position)
            result += piece
        elif char == "\\":
            if position == len(pattern):
                raise ValueError("it ends in a backslash")
            result += re.escape(pattern[position])
            position += 1
        else:
            result += re.escape(char)
    return rf"{result}\Z"


def _class(pattern: str, position: int) -> tuple[str, int]:
    """`[a-z]` or `[^a-z]`, from after its bracket; the answer ends after the closing one."""
    result = "[^" if pattern.startswith("^", position) else "["
    position += len(result) - 1
    is_first = True
    while is_first or not pattern.startswith("]", position):
        member, position = _member(pattern, position)
        result += member
        if pattern.startswith("-", position):
            member, position = _member(pattern, position + 1)
            result += f"-{member}"
        is_first = False
    return f"{result}]", position + 1


def _member(pattern: str, position: int) -> tuple[str, int]:
    char = pattern[position : position + 1]
    if char in ("-", "]"):
        raise ValueError(f"{char} within [] needs a backslash")
    if char == "\\":
        position += 1
        char = pattern[position : position + 1]
    if not char:
        raise ValueError("a [ is not closed")
    return re.escape(char), position + 1
