"""Names that nodes may have, from what boards are called elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from farm.init.candidates import Candidate

_LONGEST = 63


def named(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The same boards, each with a valid name of its own; one that is there twice, from two sources, comes once."""
    taken: set[str] = set()
    seen: set[tuple[str, int | None, str | None]] = set()
    result = []
    for candidate in candidates:
        place = (candidate.host.lower(), candidate.port, candidate.user)
        if place in seen:
            continue
        seen.add(place)
        name = _free(valid(candidate.name), taken)
        taken.add(name)
        result.append(replace(candidate, name=name, labels=tuple(_labels(candidate.labels))))
    return result


def valid(name: str) -> str:
    """The nearest name that a node may have: at most 63 of a-z, 0-9, `-`, `_` and `.`."""
    return re.sub(r"[^a-z0-9_.-]+", "-", name.lower()).strip("-_.")[:_LONGEST] or "node"


def from_hostname(candidate: Candidate, hostname: str | None, taken: Iterable[str]) -> str | None:
    """What a board that is known by its address alone calls itself, where no other node has that name."""
    if candidate.name != valid(candidate.host) or not re.fullmatch(r"[0-9.]+|[0-9a-f-]*:.*", candidate.host):
        return None
    name = valid(hostname or "localhost")
    return None if name in {"localhost", *taken} else name


def _free(name: str, taken: set[str]) -> str:
    number, free = 2, name
    while free in taken:
        ending = f"-{number}"
        free = f"{name[: _LONGEST - len(ending)]}{ending}"
        number += 1
    return free


def _labels(words: Iterable[str]) -> Iterable[str]:
    """Labels are stricter than the groups of other tools."""
    labels = (re.sub(r"[^A-Za-z0-9_.-]+", "-", word).lstrip("-_.")[:_LONGEST] for word in words)
    return dict.fromkeys(label for label in labels if label)
