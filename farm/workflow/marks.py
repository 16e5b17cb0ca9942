"""Nodes that nothing in the history compares do a short benchmark, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from farm.errors import FarmError
from farm.history.history import History
from farm.history.learned import Learned, Mark
from farm.history.speeds import unmarked
from farm.nodes.benchmark import benchmark
from farm.nodes.reach import Reached
from farm.workflow.together import together


async def marked(
    learned: Learned, reached: Mapping[str, Reached], ask: Callable[[Callable[[History], object]], object]
) -> Learned:
    """What is learned, and how the nodes did that had to do the benchmark; it is kept for later runs.

    `ask` puts a question to the history, if there is one. Only for a run of several jobs: one goes to the first node
    anyway. A node that does not answer stays without a mark.
    """
    marks: dict[str, Mark] = {}
    ask(lambda history: marks.update(history.marks()))
    cpus = {name: f"{found.facts.cpu_count} x {found.facts.cpu_model}" for name, found in reached.items()}

    async def measure(name: str) -> None:
        try:
            seconds = await benchmark(reached[name].session)
        except FarmError:
            return
        if seconds is not None:
            marks[name] = Mark(cpu=cpus[name], seconds=seconds)
            ask(lambda history: history.mark(name, marks[name]))

    await together(measure(name) for name in unmarked(cpus, learned, marks))
    return replace(learned, marks={name: mark.seconds for name, mark in marks.items()})
