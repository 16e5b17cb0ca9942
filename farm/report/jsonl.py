"""One JSON object a line for every event: `--progress json`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, TextIO

from farm.errors import FarmError
from farm.report.events import Event, OfTarget
from farm.report.report import error_document


def document(event: Event, time: str) -> dict[str, Any]:
    """The event as a flat object: its name in snake case, the time, its target if the run has several, its fields."""
    target, happened = ({"target": event.target}, event.event) if isinstance(event, OfTarget) else ({}, event)
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(happened).__name__).lower()
    values = {field.name: _plain(getattr(happened, field.name)) for field in fields(happened)}
    return {"event": name, "time": time, **values, **target}


def _plain(value: object) -> object:
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value)


class JsonLines:
    """Writes each event as one line of JSON, at once."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        """Write the event with the present time in UTC."""
        self._write(document(event, _now()))

    def error(self, error: FarmError, logs: str | None = None, *, targets: Sequence[str] = ()) -> None:
        """Write what ended the run (or some of its targets) as an event like the others: every line stays JSON."""
        told = {"exit_code": int(error.exit_code), **(error_document(error) or {}), "logs": logs}
        if targets:
            told["targets"] = list(targets)
        self._write({"event": "error", "time": _now(), **told})

    def _write(self, values: dict[str, Any]) -> None:
        print(json.dumps(values, ensure_ascii=False), file=self._stream, flush=True)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
