"""The stages of a Dockerfile, and what the wanted one needs from outside."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from farm.sources.instructions import Instruction

_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A name that stands for an image, a stage or a named context, on a line.

    `may_be_index` where `0` means the first stage; `trouble` says why a name cannot be told. `is_elsewhere`: it is
    taken for another platform than the target's, or may be, as with `FROM --platform=$BUILDPLATFORM`.
    """

    name: str
    line: int
    may_be_index: bool = False
    trouble: str = ""
    is_elsewhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One FROM and what follows. `triggers` are the needs of its ONBUILDs: those of the stages built on it."""

    name: str
    base: Need
    needs: tuple[Need, ...]
    triggers: tuple[Need, ...]


def stages(instructions: Sequence[Instruction], base: Callable[[str, int], Need]) -> tuple[Stage, ...]:
    """Group instructions by their FROM; `base` reads the word after FROM on a line."""
    found: list[Stage] = []
    starts = [index for index, item in enumerate(instructions) if item.name == "FROM" and item.words]
    for start, end in pairwise([*starts, len(instructions)]):
        first, body = instructions[start], instructions[start + 1 : end]
        words, is_elsewhere = first.words, _is_elsewhere(first)
        found.append(
            Stage(
                name=words[2].lower() if len(words) == 3 and words[1].lower() == "as" else "",
                base=replace(base(words[0], first.line), is_elsewhere=is_elsewhere),
                needs=tuple(
                    replace(need, is_elsewhere=is_elsewhere)
                    for item in body
                    if not item.is_trigger
                    for need in _sources(item)
                ),
                triggers=tuple(need for item in body if item.is_trigger for need in _sources(item)),
            )
        )
    return tuple(found)


def needed(found: Sequence[Stage], target: str | None, contexts: Collection[str]) -> Iterator[Need]:
    """What building the target takes from outside, stages that it does not need left out.

    A stage whose name is among the named `contexts` is not built: the context stands in for it.
    """
    names = _Names(found)
    waiting = [_target(names, target)] if found else []
    seen: set[int] = set()
    while waiting:
        index = waiting.pop()
        if index in seen or found[index].name in contexts:
            continue
        seen.add(index)
        stage = found[index]
        below = names.stage(stage.base, before=index)
        triggers = found[below].triggers if below is not None else ()
        for need, end in ((stage.base, index), *((need, None) for need in (*stage.needs, *triggers))):
            inner = names.stage(need, before=end)
            if inner is None:
                yield need
            else:
                waiting.append(inner)


def _target(names: _Names, target: str | None) -> int:
    """The wanted stage; the last where none is named or none has that name, which BuildKit will say."""
    chosen = names.stage(Need(name=target, line=0, may_be_index=True)) if target else None
    return names.count - 1 if chosen is None else chosen


class _Names:
    """The stages by name: a file may have so many that to go through them for each need would take for ever."""

    def __init__(self, found: Sequence[Stage]) -> None:
        self.count = len(found)
        self._numbers: dict[str, list[int]] = {}
        for index, stage in enumerate(found):
            self._numbers.setdefault(stage.name, []).append(index)

    def stage(self, need: Need, *, before: int | None = None) -> int | None:
        """The number of the stage that is meant, the last of its name, among those `before` one."""
        end = self.count if before is None else before
        name = need.name.lower()
        if need.may_be_index and _NUMBER.fullmatch(name) and int(name) < end:
            return int(name)
        numbers = self._numbers.get(name, []) if name else []
        place = bisect_left(numbers, end)
        return numbers[place - 1] if place else None


def _is_elsewhere(stage: Instruction) -> bool:
    """Whether a FROM names a platform that need not be the target's."""
    platforms = [flag.partition("=")[2] for flag in stage.flags if flag.startswith("--platform=")]
    return any(platform not in ("$TARGETPLATFORM", "${TARGETPLATFORM}") for platform in platforms)


def _sources(instruction: Instruction) -> Iterator[Need]:
    """`COPY --from=` and `RUN --mount=from=`: BuildKit expands no variables in either."""
    for flag in instruction.flags:
        name, _, value = flag.partition("=")
        if instruction.name == "COPY" and name == "--from" and value:
            yield Need(name=value, line=instruction.line, may_be_index=True)
        elif instruction.name == "RUN" and name == "--mount":
            for field in value.split(","):
                key, _, source = field.strip().strip('"').partition("=")
                if key.lower() == "from" and source:
                    yield Need(name=source, line=instruction.line)
