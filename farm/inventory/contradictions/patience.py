"""A first pause that is longer than the longest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.inventory.contradictions.places import mapping
from farm.inventory.document import Document
from farm.inventory.mistakes import Mistake
from farm.report import words


def find(data: Mapping[str, Any], document: Document) -> Iterator[Mistake]:
    """Every contradiction between the times of `retry`."""
    retry = mapping(data.get("retry"))
    said = [retry.get(key) for key in ("pause", "longest_pause")]
    first, longest = (words.read_seconds(text) if isinstance(text, str) else None for text in said)
    if first and longest and first > longest:
        yield document.mistake(
            ("retry", "pause"),
            f"retry: `pause` is {said[0]}, longer than the `longest_pause` of {said[1]}",
            hint="the pause doubles from `pause` to `longest_pause`",
        )
