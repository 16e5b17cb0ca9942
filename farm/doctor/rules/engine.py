"""Is there something to build with, and may this user use it? Pure."""

from __future__ import annotations

from farm import versions
from farm.doctor.examined import Examined
from farm.doctor.finding import Finding, Severity, Verdicts
from farm.doctor.rules.sshd import is_forwarding_off
from farm.nodes.engine import docker_info
from farm.nodes.facts import FoundEngine

# The first BuildKit that attests what it built, on which farm's check of the result rests.
_OLDEST = (0, 11)


def engine_missing(it: Examined) -> Verdicts:
    """A fresh board: nothing there that builds."""
    if it.engine is None and not it.facts.engines:
        yield Finding(
            severity=Severity.ERROR,
            what="neither BuildKit nor Docker was found" if it.engine_error is None else _reason(it),
            why="there is nothing to build with",
            fix=f"farm provision {it.node.name}",
        )


def socket_denied(it: Examined) -> Verdicts:
    """The classic of a fresh Docker: the user is not in its group, "permission denied" on docker.sock."""
    denied = [engine for engine in it.facts.engines if engine.denied and engine.version is None]
    if it.engine is None and denied:
        yield Finding(
            severity=Severity.ERROR,
            what=f"{denied[0].socket}: {denied[0].problem}",
            why="the engine is there, and this user cannot build with it",
            fix=_command(denied[0]),
            is_fixed_there=True,
            mend=("group",),
        )


def image_store_off(it: Examined) -> Verdicts:
    """Docker's old image store, which upgraded hosts keep: its BuildKit cannot push ("exporter image not found")."""
    closed = [engine for engine in it.facts.engines if engine.denied and engine.version is not None]
    if it.engine is None and closed:
        yield Finding(
            severity=Severity.ERROR,
            what=f"{closed[0].socket}: {closed[0].problem}",
            why="a node's result is pushed by its own engine, and this one cannot",
            fix=f"farm provision {it.node.name}   # hides Docker's images of now until the store is switched off again",
        )


def engine_silent(it: Examined) -> Verdicts:
    """A daemon that has crashed, hangs, or was never started: builds would wait for it in vain."""
    if it.engine is not None or is_forwarding_off(it):
        return
    silent = [engine for engine in it.facts.engines if engine.problem is not None and not engine.denied]
    if silent:
        yield Finding(
            severity=Severity.ERROR,
            what=f"{silent[0].engine} at {silent[0].socket}: {silent[0].problem}",
            why="builds would wait for it in vain",
            # A socket that the inventory names may be the wrong one.
            fix=silent[0].fix if silent[0].fix and it.node.socket else _restart(silent[0]),
            is_fixed_there=True,
        )
    elif it.engine_error is not None and it.facts.engines and not any(engine.denied for engine in it.facts.engines):
        yield Finding(
            severity=Severity.ERROR,
            what=_reason(it),
            why="there is an engine, and not the one that the inventory asks for",
            fix=it.engine_error.fix or f"correct `engine:` of {it.node.name}",
        )


def engine_too_old(it: Examined) -> Verdicts:
    """BuildKit before 0.11 attests nothing, so that what built an image cannot be checked; others push no digest."""
    # What runs in a container is of the image that the inventory names, whatever runs the container.
    if it.engine is None or it.engine.version is None or it.in_container:
        return
    found = versions.numbers(it.engine.version)
    oldest = (docker_info.OLDEST,) if it.engine.engine == "docker" else _OLDEST
    # Debian's builds of BuildKit say of themselves only v0.0.0+unknown.
    if found and found != (0, 0) and found < oldest:
        yield Finding(
            severity=Severity.ERROR,
            what=f"{it.engine.engine} {it.engine.version} is older than {'.'.join(map(str, oldest))}",
            why="it cannot say how it built an image, so farm cannot check the result",
            fix=f"farm provision {it.node.name}",
        )


def settings_not_held(it: Examined) -> Verdicts:
    """A board that also serves, and an engine that cannot be bound: a build takes all of it, whatever is declared."""
    for warning in it.warnings:
        yield Finding(
            severity=Severity.WARNING,
            what=warning,
            why="builds go on there, and not as the inventory has it",
            fix=f"write `engine: container` for {it.node.name} in the inventory"
            if it.kind == "docker"
            else f"farm provision {it.node.name}",
        )


def _command(engine: FoundEngine) -> str:
    """The command out of the probe's advice, which has it after a colon."""
    return (engine.fix or "").rpartition(": ")[2] or f"give the user the right to use {engine.socket}"


def _restart(engine: FoundEngine) -> str:
    unit = "docker" if engine.engine == "docker" else "buildkit"
    user = "--user " if engine.socket.startswith("/run/user/") else ""
    return f"{'' if user else 'sudo '}systemctl {user}restart {unit}"


def _reason(it: Examined) -> str:
    assert it.engine_error is not None
    return it.engine_error.what.removeprefix(f"{it.node.name}: ")
