"""What the engine says of the container (`GET /containers/NAME/json`), in a farm's words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from farm.nodes.engine.container.settings import LABEL, Settings

# Docker's and Podman's words for a container that somebody is making or taking away just now.
_PASSING = ("created", "configured", "initialized", "removing", "stopping")
# One that was killed comes back by itself; one that never can is started again and again.
_FEW_RESTARTS = 3
_CAPS = {"Memory": "memory", "NanoCpus": "cpus", "CpuShares": "nice", "BlkioWeight": "io"}


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The container as it is.

    `id` tells it from another of the same name. `flaw` says in words why it must be made anew, as far as the engine
    knows; `is_passing` that it will be another one in a moment. `restarts` counts how often it was started again.
    `unheld` are the limits that the engine did not take.
    """

    id: str
    is_running: bool
    is_passing: bool
    flaw: str | None
    restarts: int
    unheld: tuple[str, ...] = ()


def state(said: Mapping[str, Any], wanted: Settings) -> State:
    """What it is, beside what it should be. Fields that are missing say nothing."""
    now = _part(said, "State")
    word = str(now.get("Status", ""))
    # An engine that starts it again and again says of Podman's that it runs, in between.
    is_running = bool(now.get("Running")) and not now.get("Restarting") and not now.get("Paused")
    restarts = int(said.get("RestartCount") or 0)
    labels = _part(said, "Config").get("Labels") or {}
    drift = None if labels.get(LABEL) == wanted.hash else "its settings are no longer those wanted"
    return State(
        id=str(said.get("Id", "")),
        is_running=is_running,
        is_passing=word in _PASSING or (bool(now.get("Restarting")) and restarts < _FEW_RESTARTS),
        flaw=drift if is_running else _ended(word, now),
        restarts=restarts,
        unheld=_unheld(_part(said, "HostConfig"), wanted),
    )


def _ended(word: str, now: Mapping[str, Any]) -> str:
    if now.get("Restarting"):
        return f"it ends with exit code {now.get('ExitCode')} as often as it is started"
    if now.get("Paused"):
        return "somebody has paused it"
    killed = ", killed as when memory runs out" if now.get("OOMKilled") else ""
    return f"it does not run (it is {word or 'gone'}, exit code {now.get('ExitCode')}{killed})"


def _unheld(host: Mapping[str, Any], wanted: Settings) -> tuple[str, ...]:
    """Engines leave out what their kernel or their rights do not allow, and say so to nobody who comes later."""
    asked = {name: wanted.body["HostConfig"].get(name) for name in _CAPS}
    return tuple(_CAPS[name] for name, cap in asked.items() if cap is not None and host.get(name) != cap)


def _part(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = said.get(name)
    return part if isinstance(part, dict) else {}
