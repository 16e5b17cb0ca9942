"""`.dockerignore`: which files of a context are not sent.

Source: Docker's documentation of .dockerignore; github.com/moby/patternmatcher. The last pattern that matches a path,
or a directory above it, decides; `!` takes a path back in, even below a directory that is left out.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
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
    """A regular expression for the whole path.

    A stranger's pattern must not take for ever to fail, so what stands between two wildcards is matched where it comes
    first and never again further on (`(?>...)`): if the rest does not match behind that, it never will.
    (But where [^a] stands for a slash, or ** within a name for one: Docker lets through what is then still looked at.)
    """
    if pattern.startswith("**") and not _WILD.search(pattern[2:]):
        # Without another wildcard Docker compares the path's end: **foo is any path that ends in foo.
        rest = pattern[2:]
        return rf"(?:.*/)?{re.escape(rest[1:])}\Z" if rest.startswith("/") else rf".*{re.escape(rest)}\Z"
    return rf"{_first_of(_pieces(pattern), _DEEP)}\Z"


# A wildcard as a piece of a regular expression: any folders, anything at all, and any part of a name.
_DEEP, _ANYTHING, _PART = "(?:[^/]*/)*?", ".*?", "[^/]*?"


def _first_of(pieces: Sequence[str], wildcard: str) -> str:
    """The pieces joined, each stretch from one `wildcard` up to the next as a match that is never tried again."""
    stretches: list[list[str]] = [[]]
    for piece in pieces:
        if piece == wildcard:
            stretches.append([])
        stretches[-1].append(piece)
    first, *others = ("".join(stretch) if wildcard == _PART else _first_of(stretch, _PART) for stretch in stretches)
    if not others:
        return first
    *inner, last = others
    return first + "".join(f"(?>{stretch})" for stretch in inner) + last


def _pieces(pattern: str) -> list[str]:
    """The pattern cut into wildcards and what stands between them, each as a piece of a regular expression."""
    pieces: list[str] = []
    position = 0
    while position < len(pattern):
        if pattern.startswith("**", position):
            position += 3 if pattern.startswith("**/", position) else 2
            piece = _DEEP if position < len(pattern) else _ANYTHING
        else:
            piece, position = _piece(pattern, position)
        if piece not in (_DEEP, _PART) or pieces[-1:] != [piece]:  # twice would match the same
            pieces.append(piece)
    return pieces


def _piece(pattern: str, position: int) -> tuple[str, int]:
    char = pattern[position]
    position += 1
    if char == "[":
        return _class(pattern, position)
    if char == "\\":
        if position == len(pattern):
            raise ValueError("it ends in a backslash")
        return re.escape(pattern[position]), position + 1
    return {"*": _PART, "?": "[^/]"}.get(char) or re.escape(char), position


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
