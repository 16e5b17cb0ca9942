"""Which sleeping nodes a run needs. Pure, and the same for any input order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from farm.errors import SilentError
from farm.inventory.nodes import Node
from farm.nodes.facts import Facts, Unreachable
from farm.platforms import Platform


def to_wake(
    wanted: Sequence[Platform],
    nodes: Mapping[str, Node],
    answers: Mapping[str, Facts | Unreachable],
    *,
    tried: Collection[str] = (),
) -> tuple[str, ...]:
    """The nodes to wake now, sorted: for each wanted platform that no node that answers builds natively, one.

    One that declares the platform comes before one that declares none; those that were `tried` are asleep for good. No
    platform wanted means all that the farm builds: where it is not known of a single one, everybody is woken.
    """
    asleep = [name for name, answer in sorted(answers.items()) if name not in tried and may_wake(nodes[name], answer)]
    if not wanted:
        is_known = any(nodes[name].platforms or isinstance(answer, Facts) for name, answer in answers.items())
        return () if is_known else tuple(asleep)
    needed: set[str] = set()
    for platform in sorted(set(wanted)):
        if any(_builds(nodes[name], answer, platform) for name, answer in answers.items()):
            continue
        able = [name for name in asleep if platform in nodes[name].platforms]
        able += [name for name in asleep if not nodes[name].platforms]
        if able and needed.isdisjoint(able):
            needed.add(able[0])
    return tuple(sorted(needed))


def may_wake(node: Node, answer: Facts | Unreachable) -> bool:
    """Whether the node gives no sign of life and there is a way to wake it."""
    return isinstance(answer, Unreachable) and isinstance(answer.error, SilentError) and can_wake(node)


def can_wake(node: Node) -> bool:
    """Whether the inventory gives a way to wake the node."""
    return node.power is not None and bool(node.power.mac or node.power.wake)


def _builds(node: Node, answer: Facts | Unreachable, platform: Platform) -> bool:
    if isinstance(answer, Unreachable):
        return False
    return platform in answer.native and (not node.platforms or platform in node.platforms)
