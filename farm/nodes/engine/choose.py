"""Which of the engines that were found on a node to use, and why. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from farm.errors import FarmError, RefusedError, UnreachableError
from farm.inventory import Node
from farm.nodes.facts import Facts, FoundEngine

# Engines that an inventory can ask for by kind; `auto` and `local` take what is there.
_KINDS = ("buildkitd", "docker")


_ELSEWHERE = ("set `socket:` to where it listens", "list your boards in inventory.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The engine to use; `why` says in words which one and why not another."""

    engine: FoundEngine
    why: str


def choose(node: Node, facts: Facts) -> Choice:
    """The first usable one of those that the inventory allows by `engine` and `socket`.

    They come in the probe's order: buildkitd before Docker, since it carries less, and rootful before rootless.

    Raises RefusedError or UnreachableError that says of each engine why not, and how to mend the first.
    """
    candidates = [engine for engine in facts.engines if _is_allowed(engine, node)]
    for number, engine in enumerate(candidates):
        if engine.problem is None:
            return Choice(engine=engine, why=_why(engine, node, candidates[:number]))
    if not candidates:
        wanted = node.engine if node.engine in _KINDS else "buildkitd or docker"
        raise UnreachableError(
            f"{node.name}: no {wanted} was found {'on this machine' if node.engine == 'local' else 'on the node'}",
            fix=f"install and start {wanted} there, or {_ELSEWHERE[node.engine == 'local']}",
        )
    raise _unusable(node, candidates)


def _is_allowed(engine: FoundEngine, node: Node) -> bool:
    return node.socket in (None, engine.socket) and (node.engine not in _KINDS or node.engine == engine.engine)


def _why(engine: FoundEngine, node: Node, passed_over: list[FoundEngine]) -> str:
    reasons = [f"{other.engine} at {other.socket} is of no use: {other.problem}" for other in passed_over]
    if not reasons:
        asked = node.socket is not None or node.engine in _KINDS
        reasons = ["as the inventory says"] if asked else ["no buildkitd there"] if engine.engine == "docker" else []
    return "; ".join((f"{engine.engine} {engine.version or ''}".strip() + f" at {engine.socket}", *reasons))


def _unusable(node: Node, candidates: list[FoundEngine]) -> FarmError:
    first = candidates[0]
    kind = RefusedError if all(engine.denied for engine in candidates) else UnreachableError
    name = "Docker" if first.engine == "docker" else "BuildKit"
    return kind(
        f"{node.name}: {name} cannot be used at {first.socket}: {first.problem}",
        fix=first.fix,
        details=tuple(f"{engine.socket}: {engine.problem}" for engine in candidates[1:]),
    )
