"""The BuildKit sockets that the probe saw. Pure."""

from __future__ import annotations

from farm.nodes.facts import FoundEngine
from farm.nodes.probe.answers import Answers


def engines(answers: Answers) -> tuple[FoundEngine, ...]:
    """One for each socket, in the order of the script: the inventory's own first, then rootful, then rootless."""
    user = answers.first("user") or "the user"
    found: dict[str, FoundEngine] = {}
    for value in answers.all("socket"):
        state, _, rest = value.partition(" ")
        group, _, path = rest.partition(" ")
        if path:
            found.setdefault(path, _engine(path, state, group, user, answers.first("buildkitd")))
    return tuple(found.values())


def _engine(path: str, state: str, group: str, user: str, program: str | None) -> FoundEngine:
    if state == "usable":
        return FoundEngine(engine="buildkitd", socket=path)
    if state == "denied":
        return FoundEngine(
            engine="buildkitd",
            socket=path,
            problem=f"{user} may not use it",
            fix=_let_in(path, group, user),
            denied=True,
        )
    if state == "missing":
        start = "start buildkitd on the node" if program else "install and start buildkitd on the node"
        return FoundEngine(
            engine="buildkitd", socket=path, problem="it is not there", fix=f"{start}, or correct `socket:`"
        )
    return FoundEngine(engine="buildkitd", socket=path, problem="it is not a socket", fix="correct `socket:`")


def _let_in(path: str, group: str, user: str) -> str:
    if group in ("-", "root", "UNKNOWN"):
        return f"give the socket a group of its own on the node (buildkitd --group NAME) and add {user} to it"
    return f"add {user} to the group that owns {path}: sudo usermod -aG {group} {user}"
