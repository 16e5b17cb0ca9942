"""Examine nodes and coordinator, and hear what the rules say: from inventory to findings."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from farm.doctor import rules
from farm.doctor.examined import Examined, own_error
from farm.doctor.finding import Judgement
from farm.doctor.rules.reach import away
from farm.errors import Exit, FarmError
from farm.inventory import Inventory, Node
from farm.nodes import identity
from farm.nodes.facts import Facts
from farm.workflow import coordinator
from farm.workflow.examination import Means, examined

# Each question is a buildx of its own, which a coordinator that is a board itself must bear.
_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """A node and what the rules say of it; `error` is why it could not be examined, if so."""

    node: str
    judgement: Judgement
    error: FarmError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """All that was examined."""

    nodes: tuple[Patient, ...]
    coordinator: Judgement

    @property
    def exit_code(self) -> Exit:
        """That of the worst node where one could not be examined, else whether there are findings."""
        errors = [patient.error.exit_code for patient in self.nodes if patient.error is not None]
        if errors:
            return max(errors)
        return Exit.FINDINGS if self.count else Exit.DONE

    @property
    def count(self) -> int:
        """How many findings there are in all."""
        return sum(len(each.findings) for each in (self.coordinator, *(patient.judgement for patient in self.nodes)))


async def checkup(inventory: Inventory, nodes: Mapping[str, Node], *, timeout: float) -> Checkup:  # noqa: ASYNC109 - per node
    """Examine these nodes and the coordinator, all at once; a node may take `timeout` seconds for each answer."""
    with tempfile.TemporaryDirectory(prefix="farm-") as name:
        directory = Path(name)
        buildx = await asyncio.to_thread(coordinator.buildx, inventory, directory)
        means = Means(buildx=buildx, directory=directory, at_once=asyncio.Semaphore(_AT_ONCE))
        found, answers = await asyncio.gather(
            coordinator.look(inventory, nodes, buildx=buildx, folder=directory),
            asyncio.gather(*(examined(node, means, timeout=timeout) for node in nodes.values())),
        )
    known = [each.facts for each in answers if isinstance(each, Examined)]
    wrong_by = own_error(facts.clock_skew for facts in known)
    return Checkup(
        nodes=tuple(_judged(node, each, known, wrong_by) for node, each in zip(nodes.values(), answers, strict=True)),
        coordinator=rules.judge_coordinator(replace(found, clock_error=wrong_by)),
    )


def _judged(node: Node, answer: Examined | FarmError, known: Sequence[Facts], wrong_by: float) -> Patient:
    if isinstance(answer, FarmError):
        return Patient(node=node.name, judgement=Judgement(findings=(away(node, answer),)), error=answer)
    among = replace(
        answer,
        own_error=wrong_by,
        doubles=identity.others(identity.doubles(known), node.name),
        copies=identity.others(identity.copies(known), node.name),
    )
    return Patient(node=node.name, judgement=rules.judge(among))
