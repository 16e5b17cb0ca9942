"""`farm init`: ask the boards what they are, and make the inventory of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from farm.errors import FarmError, HostKeyError, RefusedError
from farm.init import render
from farm.init.candidates import Candidate, Found, Skipped
from farm.init.names import from_hostname, named
from farm.init.render import Entry
from farm.inventory import InventoryError, Mistake, Node
from farm.nodes import identity
from farm.nodes.engine.choose import choose
from farm.nodes.facts import Facts
from farm.nodes.reach import reach
from farm.plan.planner import default_platforms
from farm.platforms import Platform
from farm.report import words

# Homes have tens of boards; a company's ~/.ssh/config may have hundreds of hosts.
_AT_ONCE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What holds for all nodes of the new inventory: login name and private key; `base` is where its file will be."""

    user: str | None
    key: str | None
    base: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a board said. `error` says why it cannot be reached, or with `facts` why it has nothing to build with.

    `same_as` is the name under which the same machine stands in the inventory already.
    """

    candidate: Candidate
    node: Node
    facts: Facts | None
    platforms: tuple[Platform, ...]
    engine: str | None
    error: FarmError | None
    same_as: str | None = None

    @property
    def is_active(self) -> bool:
        """Whether it becomes a node: one that answered, or that the user has named, under one name."""
        return self.same_as is None and (self.facts is not None or self.candidate.is_named)


def nodes(found: Found, shared: Shared) -> tuple[list[tuple[Candidate, Node]], list[Skipped]]:
    """Each candidate as the node that the inventory would make of it, and those that it could not hold.

    Raises InventoryError for one that the user has named.
    """
    usable: list[tuple[Candidate, Node]] = []
    skipped = list(found.skipped)
    for candidate in named(found.candidates):
        try:
            usable.append((candidate, _node(candidate, shared)))
        except InventoryError as error:
            if candidate.is_named:
                raise
            skipped.append(Skipped(name=candidate.name, why=_in_words(error.mistakes[0])))
    return usable, skipped


async def ask(boards: Sequence[tuple[Candidate, Node]], *, timeout: float) -> list[Answer]:  # noqa: ASYNC109 - each
    """Ask all boards at the same time, each for at most `timeout` seconds; one that fails carries its own error."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(candidate: Candidate, node: Node) -> Answer:
        async with places:
            return await _ask(candidate, node, timeout)

    return list(await asyncio.gather(*(one(*board) for board in boards)))


def settled(answers: Sequence[Answer]) -> list[Answer]:
    """The answers with names that the boards have themselves, and each machine under one name."""
    result: list[Answer] = []
    for answer in answers:
        facts, taken = answer.facts, (each.candidate.name for each in (*answers, *result))
        if facts and (name := from_hostname(answer.candidate, facts.hostname, taken)):
            candidate = replace(answer.candidate, name=name)
            answer = replace(
                answer, candidate=candidate, node=replace(answer.node, name=name), facts=replace(facts, node=name)
            )
        result.append(answer)
    first = {name: names[0] for names in identity.doubles(a.facts for a in result if a.facts) for name in names[1:]}
    return [replace(answer, same_as=first.get(answer.candidate.name)) for answer in result]


def text(answers: Sequence[Answer], shared: Shared) -> str:
    """The inventory, which the loader reads back without a mistake."""
    entries = [
        Entry(candidate=answer.candidate, platforms=answer.platforms, notes=_notes(answer), is_active=answer.is_active)
        for answer in answers
    ]
    made = render.inventory(entries, user=shared.user, key=shared.key)
    _parse(made, shared)
    return made


async def _ask(candidate: Candidate, node: Node, timeout: float) -> Answer:  # noqa: ASYNC109 - turned into an answer
    unknown = Answer(candidate=candidate, node=node, facts=None, platforms=(), engine=None, error=None)
    try:
        found = await reach(node, connect_timeout=timeout, probe_timeout=timeout)
    except FarmError as error:
        return replace(unknown, error=error)
    await found.close()
    facts = found.facts
    answer = replace(unknown, facts=facts, platforms=default_platforms({node.name: node}, {node.name: facts}))
    try:
        engine = choose(node, facts).engine
    except FarmError as error:
        return replace(answer, error=error)
    return replace(answer, engine=f"{engine.engine} {engine.version or ''}".strip())


def _notes(answer: Answer) -> tuple[str, ...]:
    facts, error, origin = answer.facts, answer.error, answer.candidate.origin
    notes = [f"from {origin}"] if origin else []
    if facts is not None:
        notes.append(
            f"{facts.cpu_count} x {facts.cpu_model or facts.machine}, {words.size(facts.memory_total)} of memory"
            + (f", {answer.engine}" if answer.engine else "")
        )
    if answer.same_as is not None:
        notes.append(f"the same machine as {answer.same_as}")
    elif error is not None and facts is not None:
        notes.append(f"nothing to build with yet ({error.what}): farm provision {answer.candidate.name}")
    elif error is not None:
        notes.append(f"{'refused' if isinstance(error, RefusedError) else 'no answer'}: {error.what}")
    if isinstance(error, HostKeyError) and answer.is_active and error.fix:
        notes.append(error.fix)
    return tuple(notes)


def _node(candidate: Candidate, shared: Shared) -> Node:
    """As the loader makes it. Raises InventoryError for what it would not take."""
    made = render.inventory([Entry(candidate=candidate)], user=shared.user, key=shared.key)
    return _parse(made, shared)[candidate.name]


def _parse(made: str, shared: Shared) -> dict[str, Node]:
    from farm.inventory.check import parse

    return dict(parse(made, "the new inventory", base=shared.base, home=Path.home()).nodes)


def _in_words(mistake: Mistake) -> str:
    return mistake.message + (f", expected {mistake.expected}" if mistake.expected else "")
