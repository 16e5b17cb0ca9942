"""The sockets of engines that the probe saw. Pure."""

from __future__ import annotations

from dataclasses import replace

from farm.nodes.facts import FoundEngine
from farm.nodes.probe.answers import Answers

# The script's key for a socket, the kind of engine that is expected there, and its daemon.
_KINDS = (("socket", "buildkitd", "buildkitd"), ("docker", "docker", "dockerd"), ("podman", "podman", "podman"))
_START_PODMAN = "enable --now podman.socket"


def engines(answers: Answers) -> tuple[FoundEngine, ...]:
    """One for each socket, in the order of the script: the inventory's own first, then rootful, then rootless.

    All of BuildKit come before all of Docker, and those before all of Podman.
    """
    user = answers.first("user") or "the user"
    found: dict[str, FoundEngine] = {}
    for key, kind, daemon in _KINDS:
        for value in answers.all(key):
            state, _, rest = value.partition(" ")
            group, _, path = rest.partition(" ")
            if path:
                engine = FoundEngine(engine=kind, socket=path)
                is_installed = answers.first(daemon) is not None
                found.setdefault(path, _judged(engine, state, group, user, daemon, is_installed=is_installed))
    return tuple(found.values())


def _judged(engine: FoundEngine, state: str, group: str, user: str, daemon: str, *, is_installed: bool) -> FoundEngine:
    if state == "usable":
        return engine
    if engine.engine == "podman" and state in ("denied", "missing"):
        # Its daemon is there only on demand, through a socket of systemd's.
        if state == "missing":
            fix = f"let systemd listen for it: sudo systemctl {_START_PODMAN}, or without sudo and with --user"
            return replace(engine, problem="it is not there", fix=fix)
        fix = f"give {user} a Podman of its own: systemctl --user {_START_PODMAN}"
        return replace(engine, problem=f"{user} may not use it", fix=fix, denied=True)
    if state == "denied":
        fix = _let_in(engine.socket, group, user, daemon)
        return replace(engine, problem=f"{user} may not use it", fix=fix, denied=True)
    if state == "missing":
        start = "start" if is_installed else "install and start"
        return replace(engine, problem="it is not there", fix=f"{start} {daemon} on the node, or correct `socket:`")
    return replace(engine, problem="it is not a socket", fix="correct `socket:`")


def _let_in(path: str, group: str, user: str, daemon: str) -> str:
    if group in ("-", "root", "UNKNOWN"):
        return f"give the socket a group of its own on the node ({daemon} --group NAME) and add {user} to it"
    return f"add {user} to the group that owns {path}: sudo usermod -aG {group} {user}"
