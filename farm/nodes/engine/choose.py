"""Which of the engines that were found on a node to use, and why. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from farm.errors import FarmError, RefusedError, UnreachableError
from farm.inventory import Limits, Node
from farm.nodes.facts import Facts, FoundEngine

# Engines that an inventory can ask for by kind, and what is looked for then; `auto` and `local` take what is there.
_WANTED = {"buildkitd": ("buildkitd",), "docker": ("docker",), "container": ("docker", "podman")}
_ANY = "buildkitd, docker or podman"
_AS_SAID = "as the inventory says"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The engine to use; `why` says in words which one and why not another.

    With `in_container` it is not the engine's own BuildKit but one that it runs in a container for farm.
    """

    engine: FoundEngine
    why: str
    in_container: bool = False

    @property
    def kind(self) -> str:
        """`buildkitd`, `docker` or `container`, as an inventory would ask for it."""
        return "container" if self.in_container else self.engine.engine


def choose(node: Node, facts: Facts) -> Choice:
    """The first usable one of those that the inventory allows by `engine` and `socket`.

    They come in the probe's order: buildkitd before Docker, since it carries less, and rootful before rootless. Where
    Docker's own BuildKit is of no use, or could not hold the node's limits, and where there is only Podman, one in a
    container comes last.

    Raises RefusedError or UnreachableError that says of each engine why not, and how to mend the first.
    """
    candidates = [engine for engine in facts.engines if _is_allowed(engine, node)]
    problems = [_problem(engine, node) for engine in candidates]
    for number, engine in enumerate(candidates):
        if problems[number] is None:
            return Choice(engine=engine, why=_why(engine, node, candidates[:number], problems))
    if node.engine in ("auto", "local", "container"):
        for number, engine in enumerate(candidates):
            if engine.runs_containers:
                why = _why(engine, node, candidates[:number], problems, instead_of=problems[number])
                return Choice(engine=engine, why=why, in_container=True)
    if not candidates:
        raise _nothing_found(node)
    raise _unusable(node, candidates)


def _nothing_found(node: Node) -> UnreachableError:
    wanted = " or ".join(_WANTED.get(node.engine, (_ANY,)))
    if node.engine == "local":
        return UnreachableError(
            f"{node.name}: no {wanted} was found on this machine",
            fix=f"install and start {wanted} there, or list your boards in inventory.yaml (`farm init`)",
        )
    return UnreachableError(
        f"{node.name}: no {wanted} was found on the node",
        fix=f"`farm provision {node.name}` installs one; if it is there, set `socket:` to where it listens",
    )


def _is_allowed(engine: FoundEngine, node: Node) -> bool:
    return node.socket in (None, engine.socket) and engine.engine in _WANTED.get(node.engine, (engine.engine,))


def _problem(engine: FoundEngine, node: Node) -> str | None:
    """Why this engine's own BuildKit is not used; None if it can be."""
    if engine.problem is not None:
        return engine.problem
    if node.engine == "container":
        return _AS_SAID
    if node.engine == "auto" and engine.engine == "docker" and engine.runs_containers and node.limits != Limits():
        return "its own BuildKit cannot hold the node's limits for all builds together"
    return None


def _why(
    engine: FoundEngine,
    node: Node,
    passed_over: list[FoundEngine],
    problems: list[str | None],
    *,
    instead_of: str | None = None,
) -> str:
    """`instead_of` is why a container of this engine's is used, and not what is in it."""
    reasons = [
        f"{other.engine} at {other.socket} is of no use: {problem}"
        for other, problem in zip(passed_over, problems, strict=False)
        if problem != _AS_SAID
    ]
    if instead_of is not None:
        # How to mend it would hide the images of a Docker: no small thing, and so only said.
        mend = f" ({engine.fix.partition(';')[0]})" if engine.engine == "docker" and engine.fix else ""
        reasons.append(instead_of if instead_of == _AS_SAID else instead_of + mend)
    if not reasons:
        asked = node.socket is not None or node.engine in _WANTED
        reasons = [_AS_SAID] if asked else ["no buildkitd there"] if engine.engine == "docker" else []
    where = f"{engine.engine} {engine.version or ''}".strip() + f" at {engine.socket}"
    return "; ".join((where if instead_of is None else f"container of {where}", *reasons))


def _unusable(node: Node, candidates: list[FoundEngine]) -> FarmError:
    first = candidates[0]
    kind = RefusedError if all(engine.denied for engine in candidates) else UnreachableError
    name = {"docker": "Docker", "podman": "Podman"}.get(first.engine, "BuildKit")
    return kind(
        f"{node.name}: {name} cannot be used at {first.socket}: {first.problem}",
        fix=first.fix,
        details=tuple(f"{engine.socket}: {engine.problem}" for engine in candidates[1:]),
    )
