"""What the container must be like: from the inventory and what its engine says, to the body of a request. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from farm.inventory import Limits, Node
from farm.nodes.facts import FoundEngine
from farm.nodes.settings import buildkitd_toml, proxy_env
from farm.registry.reference import Reference, parse

NAME = "farm-buildkit"
"""The container's name, and that of the volume with its cache, which outlives it."""
IMAGE = "docker.io/moby/buildkit:v0.34.2"
"""What runs where the inventory names no image."""
LABEL = "farm.settings"
"""Holds the hash of what the container was made from."""

_INSIDE = "/run/buildkit"
# The kernel's share of the CPU for a niceness: each step is worth a factor of 1.25 (sched(7)), and 1024 is the middle.
_SHARES = 1024
_NICE_STEP = 1.25
# The least there is of 10 to 1000.
_IDLE_WEIGHT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The Docker or Podman that runs the container, by what it says of itself; `socket` is its own, on the node.

    `group` is the number of the group that owns that socket, None where the node could not say.
    """

    is_podman: bool
    is_rootless: bool
    has_user_namespaces: bool
    socket: str
    group: int | None

    @classmethod
    def heard(cls, engine: FoundEngine, info: Mapping[str, Any], group: int | None) -> Host:
        """The engine by its answer to `GET /info`."""
        options = " ".join(str(option) for option in info.get("SecurityOptions") or ())
        return cls(
            is_podman=engine.engine == "podman",
            is_rootless="name=rootless" in options,
            has_user_namespaces="name=userns" in options,
            socket=engine.socket,
            group=group,
        )

    @property
    def name(self) -> str:
        """What people call it."""
        return "Podman" if self.is_podman else "Docker"

    @property
    def folder(self) -> str:
        """The node's directory in which the container's socket appears; whoever may use the engine may enter it.

        An engine of root's makes it below /run, where nobody else can; that of an ordinary user makes it beside its own
        socket, in the user's own runtime directory.
        """
        if not self.is_rootless:
            return f"/run/{NAME}"
        beside = PurePosixPath(self.socket).parent
        return str((beside.parent if beside.name == "podman" else beside) / NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A container as it must be: `body` is what the engine's API takes, `files` are put into it before it starts.

    `socket` is where its BuildKit listens on the node.
    """

    image: Reference
    socket: str
    body: Mapping[str, Any] = field(repr=False)
    files: Mapping[str, str] = field(repr=False)

    @property
    def hash(self) -> str:
        """Changes with everything that would make another container; it is no secret's own hash."""
        whole = json.dumps([self.body, self.files], sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()[:32]


def settings(node: Node, host: Host, certificates: Mapping[str, str]) -> Settings:
    """The container for a node. `certificates` holds the CAs in PEM, by registry.

    It uses the node's network as a BuildKit of its own would: names and proxies of the home, and no firewall rules.
    Raises UsageError for what is no image's name.
    """
    image = parse(node.image or IMAGE).with_default_tag()
    places = {name: buildkitd_toml.certificate(name) for name in certificates}
    # A user's own engine has no other group to give, and needs none: the socket is the user's.
    group = () if host.is_rootless or host.group is None else ("--group", str(host.group))
    body = {
        "Image": str(image),
        "Cmd": ["--addr", f"unix://{_INSIDE}/buildkitd.sock", "--config", buildkitd_toml.PATH, *group],
        "Env": [f"{name}={value}" for name, value in sorted(proxy_env.environment(node.proxy).items())],
        "HostConfig": {
            "Privileged": True,
            "NetworkMode": "host",
            "RestartPolicy": {"Name": "unless-stopped"},
            "Binds": [f"{host.folder}:{_INSIDE}", f"{NAME}:/var/lib/buildkit"],
            # Docker has a small first process that collects what steps leave behind; Podman's is a package of its own.
            **({} if host.is_podman else {"Init": True}),
            **({"UsernsMode": "host"} if host.has_user_namespaces else {}),
            **caps(node.limits),
        },
    }
    toml = buildkitd_toml.render(node.registries, limits=node.limits, certificates=places)
    return Settings(
        image=image,
        socket=f"{host.folder}/buildkitd.sock",
        body=body,
        files={buildkitd_toml.PATH: toml, **{places[name]: certificates[name] for name in sorted(places)}},
    )


def caps(limits: Limits) -> dict[str, int]:
    """The limits on all builds together, as the API knows them; `parallel` is buildkitd's own affair.

    Steps run in control groups below the container's. Inside a group niceness only weighs processes of that group
    against each other, so it becomes the group's own share.
    """
    return {
        **({"Memory": limits.memory} if limits.memory else {}),
        **({"NanoCpus": round(limits.cpus * 1e9)} if limits.cpus else {}),
        **({"CpuShares": shares(limits.nice)} if limits.nice else {}),
        **({"BlkioWeight": _IDLE_WEIGHT} if limits.io == "idle" else {}),
    }


def shares(nice: int) -> int:
    """The share of the CPU that a niceness from 0 to 19 stands for, where 1024 is everybody's."""
    return max(2, round(_SHARES / _NICE_STEP**nice))
