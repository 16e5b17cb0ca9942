"""Which of the engines that were found on a node to use. Pure."""

from __future__ import annotations

from farm.errors import FarmError, RefusedError, UnreachableError
from farm.inventory import Node
from farm.nodes.facts import Facts, FoundEngine


def choose(node: Node, facts: Facts) -> FoundEngine:
    """The engine at the inventory's `socket`, else the first that can be used: rootful before rootless.

    Raises RefusedError or UnreachableError that says of each engine why not, and how to mend the first.
    """
    candidates = [engine for engine in facts.engines if node.socket in (None, engine.socket)]
    usable = next((engine for engine in candidates if engine.problem is None), None)
    if usable is not None:
        return usable
    if not candidates:
        raise RefusedError(f"{node.name}: no BuildKit was found on the node", fix=_INSTALL)
    raise _unusable(node, candidates)


_INSTALL = "install and start buildkitd there, or set `socket:` to where it listens"


def _unusable(node: Node, candidates: list[FoundEngine]) -> FarmError:
    first = candidates[0]
    kind = RefusedError if all(engine.denied for engine in candidates) else UnreachableError
    return kind(
        f"{node.name}: BuildKit cannot be used at {first.socket}: {first.problem}",
        fix=first.fix,
        details=tuple(f"{engine.socket}: {engine.problem}" for engine in candidates[1:]),
    )
