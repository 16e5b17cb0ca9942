"""A night as those see it who are told of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

State = Literal["built", "identical", "unchanged", "failed", "postponed"]
"""What became of an image: its tags moved; it was built, but is the same but for timestamps, so that no tag moved;
nothing was due; it could not be built or published; the night was over before its turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One image of the night.

    `why` is one line: why it was built, why it failed, or what it waits for. `seconds` is how long it took and `usual`
    how long that usually takes, None where that is not known. `failures` counts the nights in a row, before this one,
    in which it failed. `references` are the tags that moved, `absent` the platforms that are missing in what was
    published, as was allowed.
    """

    name: str
    state: State
    why: str = ""
    seconds: float = 0.0
    usual: float | None = None
    failures: int = 0
    references: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A node that did not answer, and since when: None where it has never been seen. `is_new`: not so when
    it was last asked."""

    node: str
    why: str
    since: datetime | None = None
    is_new: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Short:
    """A disk that runs out. `where` is a node or "coordinator", `left` says in words what is left; `is_new`: not so
    last night."""

    where: str
    left: str
    is_new: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """A whole night.

    `started` is in the coordinator's zone, `seconds` is how long it took; `coordinator` is that machine's name. `asked`
    are the nodes that were asked at all, `back` those that were missing when they were last asked, and are not now.
    `error` is one line on what ended the night early, None where it went to its end. `run` names the report, `logs` is
    where it lies on the coordinator.
    """

    started: datetime
    seconds: float
    coordinator: str
    images: tuple[Told, ...] = ()
    missing: tuple[Missing, ...] = ()
    asked: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    short: tuple[Short, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str | None = None
    run: str | None = None
    logs: str | None = None
