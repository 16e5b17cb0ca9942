"""Versions in the names of refs, and the order between them.

Source: Semantic Versioning 2.0.0 for the order (11) and what a pre-release is (9); but a `v` in front, fewer or more
than three numbers, and a folder in front (`tool/v1.2.3`, for one of several programs in a repository) are taken too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_RELEASE = re.compile(
    r"(?P<folder>(?:.*/)?)[vV]?(?P<numbers>[0-9]{1,18}(?:\.[0-9]{1,18}){0,5})"
    r"(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+(?P<build>[0-9A-Za-z.-]+))?"
)
_DIGITS = re.compile(r"([0-9]{1,18})")

Line = tuple[str, tuple[int, ...]]
"""Releases that begin alike: the folder in front, and the first numbers."""

Order = tuple[tuple[int, ...], bool, tuple[tuple[int, int, str], ...], str]
"""Sorts releases."""

_NOTHING: Order = ((), False, (), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """`v1.2.3-rc.1+5` taken apart: the `numbers` as they are written, `pre` and `build` empty where there is none."""

    folder: str
    numbers: tuple[str, ...]
    pre: str = ""
    build: str = ""

    def __str__(self) -> str:
        return ".".join(self.numbers) + (f"-{self.pre}" if self.pre else "") + (f"+{self.build}" if self.build else "")

    def line(self, length: int) -> Line:
        """The line of its first `length` numbers; all releases are one where that is 0."""
        return self.folder, tuple(int(number) for number in self.numbers[:length])

    @property
    def order(self) -> Order:
        """The key to sort by: a pre-release comes before what it precedes, numbers in it before words."""
        numbers = [int(number) for number in self.numbers]
        while numbers and not numbers[-1]:  # 1.2 is 1.2.0
            numbers.pop()
        words = self.pre.split(".") if self.pre else []
        pre = tuple((0, int(word), "") if word.isdigit() else (1, 0, word) for word in words)
        return tuple(numbers), not pre, pre, self.build


def parse(name: str) -> Release | None:
    """The version that a ref's short name stands for, None for any other name."""
    match = _RELEASE.fullmatch(name)
    if not match:
        return None
    return Release(
        folder=match["folder"],
        numbers=tuple(match["numbers"].split(".")),
        pre=match["pre"] or "",
        build=match["build"] or "",
    )


def key(name: str) -> tuple[bool, Order, tuple[tuple[str, int], ...], str]:
    """Sorts any names: those that are no versions first, as people count (`a9` before `a10`), then versions."""
    release = parse(name)
    if release:
        return True, release.order, (), name
    parts = [*_DIGITS.split(name), "0"]
    return (
        False,
        _NOTHING,
        tuple((text, int(number)) for text, number in zip(parts[::2], parts[1::2], strict=True)),
        name,
    )


def heads(names: Iterable[str]) -> dict[Line, Release]:
    """The highest release of each line, pre-releases left out.

    A line that is a release by itself is that one's: where there is a `v1.2`, no `v1.2.1` is the head of 1.2.
    """
    found: dict[Line, Release] = {}
    own: dict[Line, Release] = {}
    for name in names:
        release = parse(name)
        if release is None or release.pre:
            continue
        own[release.line(len(release.numbers))] = release
        for length in range(len(release.numbers)):
            line = release.line(length)
            if line not in found or found[line].order < release.order:
                found[line] = release
    return found | own
