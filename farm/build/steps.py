"""Reads buildx's `--progress rawjson`: one BuildKit `SolveStatus` a line (BuildKit, client/graph.go). Pure."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from farm.build.printed import Lines

# `[build 2/5] RUN make`, `[linux/arm64 build 2/5] COPY . .`: an instruction of the Dockerfile.
_INSTRUCTION = re.compile(r"(\[(?:[^\]]* )?\d+/\d+\]) (?:LINK )?(.*)", re.DOTALL)
_EXIT_CODE = re.compile(r"exit code: (\d+)")
# BuildKit ends a step at once, then starts it again, where it first only looks for the step's cache key (seconds).
_LOOK_UP = 0.001
_STANDARD_ERROR = 2
_KEPT_LINES = 20
_KEPT_PLAIN_LINES = 60
_CANCELLED = re.compile(r"context canceled|\bCanceled\b")


@dataclass(slots=True)
class Step:
    """One vertex of the build; the last word on it counts. `mark` is `[build 2/5]` for a Dockerfile's instruction."""

    name: str
    mark: str = ""
    instruction: str = ""
    is_running: bool = False
    has_run: bool = False
    was_cached: bool = False
    error: str = ""
    seconds: float = 0.0
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT_LINES))
    last_errors: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT_LINES))

    @property
    def last_words(self) -> tuple[str, ...]:
        """The last lines with those of standard error at the end: BuildKit passes the two on in no certain order."""
        errors = set(self.last_errors)
        return (*(line for line in self.last_lines if line not in errors), *self.last_errors)

    @property
    def was_cancelled(self) -> bool:
        """Whether the step ended because something else did."""
        return bool(_CANCELLED.search(self.error))

    @property
    def exit_code(self) -> int | None:
        """What the step's program exited with, where that is why it failed: one that was cancelled is killed (137)."""
        match = None if self.was_cancelled else _EXIT_CODE.search(self.error)
        return int(match[1]) if match else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """A step started to run; one that is cached does not."""

    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A step ended: run, cached or failed."""

    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """A step printed a line."""

    step: Step
    text: str


Change = Began | Ended | Printed


class Steps:
    """All steps of one buildx process, in the order in which BuildKit named them."""

    def __init__(self) -> None:
        self._steps: dict[str, Step] = {}
        self._lines: dict[tuple[str, int], Lines] = {}
        self._sent: dict[tuple[str, str], int] = {}
        self._unfinished: list[str] = []
        # The last lines that are no status: the error in words, with the Dockerfile's line.
        self.tail: deque[str] = deque(maxlen=_KEPT_PLAIN_LINES)

    def feed(self, line: str) -> tuple[Change, ...] | None:
        """Take one line of output and say what it changed; None for a line that is no part of a status."""
        text = self._whole(line)
        if text is None:
            return ()
        try:
            status = json.loads(text) if text.startswith("{") else None
        except ValueError:
            status = None
        if not isinstance(status, dict):
            self.tail.append(line)
            return None
        changes: list[Change] = []
        logs = list(status.get("logs") or ())
        printed = _by_step(logs)
        for vertex in status.get("vertexes") or ():
            changes += self._begin(vertex)
            # What a step printed may come in one message with its begin and its end, and belongs between them.
            own = printed.pop(str(vertex.get("digest")), ()) if vertex.get("completed") else ()
            changes += (change for log in own for change in self._printed(log))
            changes += self._end(vertex)
        changes += (change for log in logs if _step_of(log) in printed for change in self._printed(log))
        for transfer in status.get("statuses") or ():
            self._transfer(transfer)
        return tuple(changes)

    def _whole(self, line: str) -> str | None:
        """The status that ends with this line. buildx 0.13 breaks each over many, indented lines."""
        if not self._unfinished and line != "{":
            return line
        self._unfinished.append(line)
        if line != "}":
            return None
        text = "".join(self._unfinished)
        self._unfinished.clear()
        return text

    @property
    def total(self) -> int:
        """Instructions of the Dockerfile that this build needs, `FROM` apart: BuildKit never says so of it alone."""
        return len({step.mark for step in self._counted()})

    @property
    def cached(self) -> int:
        """How many of `total` were not run. One instruction can be several steps: one cached step is enough."""
        return len({step.mark for step in self._counted() if step.was_cached})

    @property
    def sent(self) -> int:
        """Bytes of context and Dockerfile that went to the node."""
        return sum(self._sent.values())

    @property
    def reran(self) -> tuple[str, ...]:
        """The `RUN` instructions that were run rather than found in the cache."""
        return tuple(
            step.name
            for step in self._counted()
            if step.instruction.startswith("RUN") and step.has_run and not step.was_cached
        )

    @property
    def failed(self) -> Step | None:
        """The step that failed: an instruction if there is one, else the last (a cache that is not there may fail)."""
        failures = [step for step in self._steps.values() if step.error]
        own = [step for step in failures if not step.was_cancelled] or failures
        return next((step for step in own if step.mark), own[-1] if own else None)

    def _counted(self) -> Iterable[Step]:
        return (step for step in self._steps.values() if step.mark and not step.instruction.startswith("FROM "))

    def _begin(self, vertex: dict[str, Any]) -> Iterator[Began]:
        digest = str(vertex.get("digest"))
        step = self._steps.setdefault(digest, _named(str(vertex.get("name") or digest)))
        if vertex.get("started") and not step.is_running and not _is_look_up(vertex, step):
            step.is_running = True
            # What is found in the cache begins and ends in one word.
            if not (vertex.get("completed") and vertex.get("cached")):
                yield Began(step=step)

    def _end(self, vertex: dict[str, Any]) -> Iterator[Change]:
        digest = str(vertex.get("digest"))
        step = self._steps[digest]
        if not vertex.get("completed") or not step.is_running:
            return
        for key in [key for key in self._lines if key[0] == digest]:
            yield from self._keep(step, key[1], self._lines.pop(key).flush())
        step.is_running = False
        step.was_cached = bool(vertex.get("cached"))
        step.has_run = not step.was_cached
        step.error = str(vertex.get("error") or "")
        step.seconds = _seconds(vertex)
        yield Ended(step=step)

    def _printed(self, log: dict[str, Any]) -> Iterator[Printed]:
        digest = _step_of(log)
        step = self._steps.get(digest)
        if step is None:
            return
        try:
            data = base64.b64decode(log.get("data") or "")
        except binascii.Error:
            return
        stream = int(log.get("stream") or 0)
        lines = self._lines.setdefault((digest, stream), Lines())
        yield from self._keep(step, stream, lines.feed(data))

    def _keep(self, step: Step, stream: int, lines: Iterable[str]) -> Iterator[Printed]:
        for text in lines:
            step.last_lines.append(text)
            if stream == _STANDARD_ERROR:
                step.last_errors.append(text)
            yield Printed(step=step, text=text)

    def _transfer(self, transfer: dict[str, Any]) -> None:
        # `transferring context:`, `transferring dockerfile:`, and `transferring NAME:` of a further context.
        name = str(transfer.get("id") or "")
        if name.startswith("transferring "):
            key = (str(transfer.get("vertex")), name)
            self._sent[key] = max(self._sent.get(key, 0), int(transfer.get("current") or 0))


def _by_step(logs: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for log in logs:
        found.setdefault(_step_of(log), []).append(log)
    return found


def _step_of(log: dict[str, Any]) -> str:
    return str(log.get("vertex"))


def _named(name: str) -> Step:
    match = _INSTRUCTION.match(name)
    return Step(name=name, mark=match[1], instruction=match[2]) if match else Step(name=name)


def _is_look_up(vertex: dict[str, Any], step: Step) -> bool:
    """Whether the entry tells of a look-up in the cache rather than of the step's own work or its result."""
    if not vertex.get("completed") or vertex.get("error"):
        return False
    if vertex.get("cached"):
        return step.has_run
    return not step.mark or _seconds(vertex) < _LOOK_UP


def _seconds(vertex: dict[str, Any]) -> float:
    try:
        began, ended = (datetime.fromisoformat(str(vertex.get(key))) for key in ("started", "completed"))
    except ValueError:
        return 0.0
    return (ended - began).total_seconds()
