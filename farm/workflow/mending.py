"""Let provisioning do what mends the doctor's findings, each node's own steps and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from farm.inventory import Node
from farm.provision.plan import Wishes
from farm.workflow.checkup import Checkup
from farm.workflow.provision import Order, Provisioned, Tell, provision


async def mend(
    nodes: Mapping[str, Node], found: Checkup, *, ask: Callable[[], str], tell: Tell
) -> tuple[Provisioned, ...]:
    """Do the steps that findings name, node after node; one that fails ends none of the others'.

    `ask` asks a person for the password of sudo, and is called once at most for all nodes.
    """
    ask_once = cache(ask)
    ended: list[Provisioned] = []
    for patient in found.nodes:
        steps = frozenset(step for finding in patient.judgement.findings for step in finding.mend)
        if steps:
            order = Order(wishes=Wishes(only=steps), ask=ask_once, tell=tell)
            ended += await provision({patient.node: nodes[patient.node]}, order)
    return tuple(ended)
