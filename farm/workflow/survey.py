"""Reach all nodes at once and hear what each says of itself."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from farm.errors import FarmError, TurnedAwayError, UsageError
from farm.inventory.nodes import Node
from farm.nodes.engine.choose import choose
from farm.nodes.facts import Facts, Unreachable
from farm.nodes.reach import Reached, reach
from farm.plan.waking import may_wake
from farm.report import words
from farm.report.events import Emit, NodeProbed
from farm.retry import back_off, retrying


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Every node's answer, and for those that answered the connection that stays open for the rest of the run."""

    answers: Mapping[str, Facts | Unreachable]
    reached: dict[str, Reached]

    def of(self, names: Collection[str]) -> Survey:
        """The answers of these nodes alone; the connections of all stay open."""
        return replace(self, answers={name: answer for name, answer in self.answers.items() if name in names})


def select(nodes: Mapping[str, Node], only: Sequence[str], excluded: Sequence[str]) -> dict[str, Node]:
    """The nodes that a run may use; a word names one node, or all that carry it as a label.

    Raises UsageError for a word that is neither a node nor a label of the inventory.
    """
    words = {*nodes, *(label for node in nodes.values() for label in node.labels)}
    for word in (*only, *excluded):
        if word not in words:
            import difflib

            near = difflib.get_close_matches(word, words, n=1)
            raise UsageError(
                f"no node and no label {word!r} in the inventory",
                fix=f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(nodes)}",
            )
    return {
        name: node
        for name, node in nodes.items()
        if (not only or _is_meant(node, only)) and not _is_meant(node, excluded)
    }


def _is_meant(node: Node, words: Sequence[str]) -> bool:
    return node.name in words or any(label in words for label in node.labels)


@contextlib.asynccontextmanager
async def surveyed(nodes: Mapping[str, Node], emit: Emit, *, connect_timeout: float = 10) -> AsyncIterator[Survey]:
    """Connect to all nodes at the same time, probe each, and keep the connections until the end of the block.

    A node that does not answer within `connect_timeout` seconds, or has nothing to build with, is an `Unreachable`
    among the answers, never an error.
    """
    answers: dict[str, Facts | Unreachable] = {}
    reached: dict[str, Reached] = {}

    async def ask(node: Node) -> None:
        began = time.monotonic()
        try:
            found, why = await usable(node, connect_timeout)
        except FarmError as error:
            answer = answers[node.name] = Unreachable(node=node.name, error=error)
            seconds = time.monotonic() - began
            asleep = "; it is woken if it is needed" if may_wake(node, answer) else ""
            emit(NodeProbed(node=node.name, seconds=seconds, summary="", error=error.what + asleep))
        else:
            reached[node.name] = found
            answers[node.name] = found.facts
            seconds = time.monotonic() - began
            facts = found.facts
            emit(
                NodeProbed(
                    node=node.name, seconds=seconds, summary=f"{summary(facts)}; {why}", disk_free=facts.disk_free
                )
            )

    try:
        async with asyncio.TaskGroup() as group:
            for node in nodes.values():
                group.create_task(ask(node))
        yield Survey(answers={name: answers[name] for name in nodes}, reached=reached)
    finally:
        async with asyncio.TaskGroup() as group:
            for found in reached.values():
                group.create_task(found.close())


async def usable(node: Node, connect_timeout: float) -> tuple[Reached, str]:
    """A node that answers and has an engine to build with, and which one; without one it might as well be off."""
    found = await retrying(partial(reach, node, connect_timeout=connect_timeout), pause_after=_if_turned_away)
    try:
        choice = choose(node, found.facts)
    except FarmError:
        await found.close()
        raise
    return found, choice.why


def _if_turned_away(error: Exception, tries: int) -> float | None:
    """OpenSSH drops connections while too many others have not logged in yet (`MaxStartups`), for some seconds."""
    return back_off(tries, first=1.0) if isinstance(error, TurnedAwayError) and tries <= 3 else None


def summary(facts: Facts) -> str:
    """A node in one line: what it builds natively, its CPU and what memory is free."""
    native = ", ".join(str(platform) for platform in facts.native)
    memory = f"{words.size(facts.memory_available)} of {words.size(facts.memory_total)} free"
    return f"{native}; {facts.cpu_count} x {facts.cpu_model}; {memory}; load {facts.load:.1f}"
