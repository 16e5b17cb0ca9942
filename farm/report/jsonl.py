"""One JSON object a line for every event: `--progress json`."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, TextIO

from farm.report.events import Event


def document(event: Event, time: str) -> dict[str, Any]:
    """The event as a flat object: its name in snake case, the time, and its fields."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()
    values = {field.name: _plain(getattr(event, field.name)) for field in fields(event)}
    return {"event": name, "time": time, **values}


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
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        print(json.dumps(document(event, now), ensure_ascii=False), file=self._stream, flush=True)
