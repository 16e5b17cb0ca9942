"""The script's answer as a Sample. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from farm.nodes import readings
from farm.nodes.facts import FoundEngine
from farm.nodes.probe import answers
from farm.nodes.sample.sample import Sample


def sample(output: str, engines: Iterable[FoundEngine]) -> Sample:
    """What the script's output says of a node with these engines.

    Raises UnusableAnswerError where it is something else, or cut short.
    """
    said = answers.read(output)
    counts = [int(count) for text in said.all("slowed") if (count := readings.number(text)) is not None]
    disk = readings.disk(said, engines)
    return Sample(
        memory_total=readings.memory_total(said),
        memory_available=readings.memory_available(said) or None,
        load=readings.load(said),
        temperature=readings.temperature(said),
        throttled=readings.throttled(said),
        slowed=sum(counts) if counts else None,
        disk_free=disk[1] if disk else None,
    )
