"""Prefixed lines without a single escape code: for cron, journals and pipes."""

from __future__ import annotations

import re
from functools import singledispatch
from typing import Protocol, TextIO

from farm.platforms import Platform
from farm.report import escapes, words
from farm.report.events import (
    AttemptFailed,
    BuildFinished,
    BuildStarted,
    EnginePrepared,
    Event,
    LogLine,
    NodeProbed,
    Planned,
    PowerUsed,
    Reused,
    RunStarted,
    StageFinished,
    StepFinished,
    StepStarted,
    Warned,
)

# BuildKit's own steps (contexts, metadata, exports) come many times each and say nothing to somebody who reads a mail.
_INSTRUCTION = re.compile(r"\[(?:[^\]]* )?\d+/\d+\] ")

# BuildKit says the whole command once more, which the step's own name has said already.
_COMMAND = re.compile(r'process ".*" did not complete successfully: ', re.DOTALL)


def clean(text: str) -> str:
    """The text on one line, without terminal escapes and control characters: it may not look like farm's own."""
    return escapes.without(text.replace("\n", " "))


def line(event: Event) -> str | None:
    """One line for an event, or None for one that says nothing new in plain text."""
    text = _line(event)
    return None if text is None else clean(text)


@singledispatch
def _line(_event: Event) -> str | None:
    return None


@_line.register
def _run_started(event: RunStarted) -> str:
    return f"farm: run {event.run}: {event.target}"


@_line.register
def _node_probed(event: NodeProbed) -> str:
    if event.error:
        return f"[{event.node}] not usable: {event.error}"
    return f"[{event.node}] {event.summary} ({words.seconds(event.seconds)})"


_POWER = {"wake": "waking it", "cycle": "cycling its power", "off": "switching it off"}


@_line.register
def _power_used(event: PowerUsed) -> str:
    return f"[{event.node}] {event.reason}: {_POWER[event.action]}"


@_line.register
def _engine_prepared(event: EnginePrepared) -> str:
    return f"[{event.node}] {event.what}"


@_line.register
def _planned(event: Planned) -> str:
    spare = f"; standby {', '.join(event.standbys)}" if event.standbys else ""
    return f"{_prefix(event)} planned: {event.reason}{spare}"


@_line.register
def _reused(event: Reused) -> str:
    return f"{_prefix(event)} taken from run {event.run}: {words.short(event.digest)}"


@_line.register
def _build_started(event: BuildStarted) -> str:
    return f"{_prefix(event)} building" + (f" (try {event.attempt})" if event.attempt > 1 else "")


@_line.register
def _step_started(event: StepStarted) -> str | None:
    if not _INSTRUCTION.match(event.step):
        return None
    return f"{_prefix(event)} {event.step}"


@_line.register
def _step_finished(event: StepFinished) -> str | None:
    if event.error:
        return f"{_prefix(event)} FAILED {event.step}: {_COMMAND.sub('', event.error)}"
    if not _INSTRUCTION.match(event.step):
        return None
    how = "cached" if event.was_cached else f"done in {words.seconds(event.seconds)}"
    return f"{_prefix(event)} {event.step}: {how}"


@_line.register
def _log_line(event: LogLine) -> str:
    return f"{_prefix(event)} | {event.text}"


@_line.register
def _attempt_failed(event: AttemptFailed) -> str:
    return f"{_prefix(event)} try {event.attempt} failed ({event.kind}): {event.reason}; {event.next}"


@_line.register
def _build_finished(event: BuildFinished) -> str:
    image = f" {words.short(event.digest)}" if event.digest else ""
    cached = f"{event.cached} of {event.total} steps cached"
    return f"{_prefix(event)} built{image} in {words.seconds(event.seconds)}, {cached}"


@_line.register
def _stage_finished(event: StageFinished) -> str | None:
    if event.stage not in ("join", "verify", "tag", "collect"):
        return None
    return f"farm: {event.stage}: {event.detail or 'done'} ({words.seconds(event.seconds)})"


@_line.register
def _warned(event: Warned) -> str:
    return f"farm: warning: {event.message}"


class _OfOnePlatform(Protocol):
    @property
    def node(self) -> str: ...
    @property
    def platform(self) -> Platform: ...


def _prefix(event: _OfOnePlatform) -> str:
    return f"[{event.node} {event.platform}]"


class Plain:
    """Writes each event as one line, at once."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        """Write the event."""
        if (text := line(event)) is not None:
            print(text, file=self._stream, flush=True)
