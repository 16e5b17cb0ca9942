"""Prefixed lines without a single escape code: for cron, journals and pipes."""

from __future__ import annotations

import re
from functools import singledispatch
from typing import TextIO

from farm.report import escapes, words
from farm.report.events import (
    AttemptFailed,
    BuildFailed,
    BuildFinished,
    BuildStarted,
    Decided,
    Duplicated,
    EnginePrepared,
    Event,
    LogLine,
    NodeDrained,
    NodeProbed,
    OfTarget,
    Planned,
    PowerUsed,
    Reused,
    RunStarted,
    StageFinished,
    StepFinished,
    StepStarted,
    Stolen,
    TargetEnded,
    Tidied,
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
    target, happened = (event.target, event.event) if isinstance(event, OfTarget) else (None, event)
    text = _text(happened)
    return None if text is None else clean(f"{_prefix(happened, target)} {text}")


def _prefix(event: Event, target: str | None) -> str:
    """What an event is about: its node, target and platform; farm itself where it names no node and no platform."""
    node, platform = getattr(event, "node", None), getattr(event, "platform", None)
    if node is None and platform is None:
        return f"farm: {target}:" if target else "farm:"
    return f"[{' '.join(str(part) for part in (node, target, platform) if part)}]"


@singledispatch
def _text(_event: Event) -> str | None:
    return None


@_text.register
def _run_started(event: RunStarted) -> str:
    return f"run {event.run}: {event.target}"


@_text.register
def _node_probed(event: NodeProbed) -> str:
    if event.error:
        return f"not usable: {event.error}"
    return f"{event.summary} ({words.seconds(event.seconds)})"


_POWER = {"wake": "waking it", "cycle": "cycling its power", "off": "switching it off"}


@_text.register
def _power_used(event: PowerUsed) -> str:
    return f"{event.reason}: {_POWER[event.action]}"


@_text.register
def _engine_prepared(event: EnginePrepared) -> str:
    return event.what


@_text.register
def _node_drained(event: NodeDrained) -> str:
    return "drained no longer" if event.reason is None else f"drained, nothing new starts there: {event.reason}"


@_text.register
def _planned(event: Planned) -> str:
    spare = f"; standby {', '.join(event.standbys)}" if event.standbys else ""
    return f"planned: {event.reason}{spare}"


@_text.register
def _reused(event: Reused) -> str:
    return f"taken from run {event.run}: {words.short(event.digest)}"


@_text.register
def _build_started(event: BuildStarted) -> str:
    return "building" + (f" (try {event.attempt})" if event.attempt > 1 else "")


@_text.register
def _stolen(event: Stolen) -> str:
    return f"taken over from {event.planned}: {event.reason}"


@_text.register
def _duplicated(event: Duplicated) -> str:
    return f"builds it as well as {event.straggler}, the first to end wins: {event.reason}"


@_text.register
def _step_started(event: StepStarted) -> str | None:
    return event.step if _INSTRUCTION.match(event.step) else None


@_text.register
def _step_finished(event: StepFinished) -> str | None:
    if event.error:
        return f"FAILED {event.step}: {_COMMAND.sub('', event.error)}"
    if not _INSTRUCTION.match(event.step):
        return None
    how = "cached" if event.was_cached else f"done in {words.seconds(event.seconds)}"
    return f"{event.step}: {how}"


@_text.register
def _log_line(event: LogLine) -> str:
    return f"| {event.text}"


@_text.register
def _attempt_failed(event: AttemptFailed) -> str:
    return f"try {event.attempt} failed ({event.kind}): {event.reason}; {event.next}"


@_text.register
def _build_finished(event: BuildFinished) -> str:
    image = f" {words.short(event.digest)}" if event.digest else ""
    cached = f"{event.cached} of {event.total} steps cached"
    return f"built{image} in {words.seconds(event.seconds)}, {cached}"


@_text.register
def _build_failed(event: BuildFailed) -> str | None:
    # What was tried has said why with its last try.
    return f"not built: {event.reason}" if event.node is None else None


@_text.register
def _stage_finished(event: StageFinished) -> str | None:
    if event.stage not in ("join", "verify", "tag", "collect"):
        return None
    return f"{event.stage}: {event.detail or 'done'} ({words.seconds(event.seconds)})"


@_text.register
def _decided(event: Decided) -> str:
    return f"{'cannot be looked at' if event.verdict == 'unknown' else event.verdict}: {event.why}"


@_text.register
def _tidied(event: Tidied) -> str:
    return event.message


@_text.register
def _warned(event: Warned) -> str:
    return f"warning: {event.message}"


@_text.register
def _target_ended(event: TargetEnded) -> str:
    return f"{'done' if event.error is None else f'FAILED: {event.error}'} ({words.seconds(event.seconds)})"


class Plain:
    """Writes each event as one line, at once."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        """Write the event."""
        if (text := line(event)) is not None:
            print(text, file=self._stream, flush=True)
