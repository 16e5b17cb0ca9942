"""Two nodes that are one machine: it must not be given twice what it can do. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from farm.errors import FarmError
from farm.inventory.nodes import Node
from farm.nodes import identity
from farm.nodes.engine.choose import choose
from farm.nodes.facts import Facts, Unreachable
from farm.platforms import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Singled:
    """The nodes to plan with, and in words which are one machine."""

    nodes: dict[str, Node]
    warnings: tuple[str, ...]


def singled(nodes: Mapping[str, Node], answers: Mapping[str, Facts | Unreachable]) -> Singled:
    """Make nodes one that are one machine with one BuildKit: the first by name, with the platforms of both.

    Where their engines differ, both stay: they take their slots from the same locks there (farm.nodes.lease).
    """
    left = dict(nodes)
    warnings = []
    for names in identity.doubles(answer for answer in answers.values() if isinstance(answer, Facts)):
        kept, *others = sorted(names, key=list(nodes).index)
        for other in others:
            if _same_engine(nodes, answers, kept, other):
                left[kept] = replace(left[kept], platforms=_of_both(left[kept], left.pop(other)))
                warnings.append(f"{other} is the same machine as {kept} and counts as {kept}: remove one of the names")
            else:
                warnings.append(f"{kept} and {other} are one machine with two engines: their builds share its power")
    return Singled(nodes=left, warnings=tuple(warnings))


def _same_engine(
    nodes: Mapping[str, Node], answers: Mapping[str, Facts | Unreachable], first: str, second: str
) -> bool:
    return _engine(nodes[first], answers[first]) == _engine(nodes[second], answers[second])


def _engine(node: Node, answer: Facts | Unreachable) -> tuple[str, str] | None:
    if isinstance(answer, Unreachable):
        return None
    try:
        choice = choose(node, answer)
    except FarmError:
        return None
    return choice.kind, choice.engine.socket


def _of_both(node: Node, other: Node) -> tuple[Platform, ...]:
    """None declared is all that the machine builds."""
    if not node.platforms or not other.platforms:
        return ()
    return tuple(dict.fromkeys((*node.platforms, *other.platforms)))
