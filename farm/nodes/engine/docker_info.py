"""What a Docker Engine says of itself (`GET /info` of its API), and whether a farm can use its BuildKit. Pure.

Podman answers the same question, and has no BuildKit.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from farm.nodes.engine.info_call import NotBuildKitError
from farm.nodes.facts import FoundEngine


class NotDockerError(NotBuildKitError):
    """What is behind the socket is not a Docker Engine that answers; the message says in words what it did instead."""

    def __init__(self, what: str) -> None:
        super().__init__(what, fix="restart Docker on the node and look into its log")


IMAGE_STORE = "io.containerd.snapshotter.v1"
"""What an engine with the containerd image store names as its driver (moby, daemon/containerd/service.go)."""
OLDEST = 24
"""The first Docker Engine that can have that store (moby, release notes of 24.0)."""


def heard(engine: FoundEngine, server: str, body: bytes) -> FoundEngine:
    """The engine with its kind and version, and with a problem where its own BuildKit cannot be used.

    `server` is the answer's header of that name. Raises NotDockerError for a body that is not the API's.
    """
    try:
        said = json.loads(body)
        version = str(said["ServerVersion"])
        is_store_on = ["driver-type", IMAGE_STORE] in (said.get("DriverStatus") or ())
        security = " ".join(said.get("SecurityOptions") or ())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise NotDockerError("it answers HTTP, but not as a Docker Engine does") from error
    engine = replace(engine, engine="docker", version=version, runs_containers=True)
    if "libpod" in server.lower():
        problem = f"Podman {version} has no BuildKit of its own"
        return replace(engine, engine="podman", problem=problem, fix=_INSTALL, denied=True)
    if is_store_on:
        return engine
    return replace(
        engine,
        problem=f"Docker {version} keeps images in its old store ({said.get('Driver') or 'unknown'}), "
        "out of which BuildKit cannot push",
        fix=_switch_on(version, security),
        denied=True,
    )


_INSTALL = "write `engine: container`, or install buildkitd or Docker Engine 24 or newer on the node"


def _switch_on(version: str, security: str) -> str:
    number = re.match(r"\d+", version)
    if number and int(number[0]) < OLDEST:
        return f"update Docker to {OLDEST} or newer, or install buildkitd beside it"
    if "name=userns" in security:
        return "the containerd image store does not go with userns-remap: install buildkitd beside Docker"
    file = "~/.config/docker/daemon.json" if "name=rootless" in security else "/etc/docker/daemon.json"
    return (
        f'switch the containerd image store on: put "features": {{"containerd-snapshotter": true}} into {file} and '
        "restart Docker; its images of now are then hidden until it is switched off again"
    )


def refusal(status: int, body: bytes) -> str:
    """What an answer without success says, in words: the engine, or an authorisation plug-in, gives a message."""
    try:
        said: Any = json.loads(body)["message"]
    except (ValueError, TypeError, KeyError, RecursionError):
        said = None
    return f"it answers with HTTP status {status}" + (f": {said}" if said else "")
