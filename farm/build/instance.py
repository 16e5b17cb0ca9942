"""A builder as buildx keeps it: one JSON file in `$BUILDX_CONFIG/instances` (buildx, store/nodegroup.go).

Farm writes it itself where `buildx create` would not do: create asks the node for its state first, for up to 20 s and
with a lock on the whole folder in hand, so that one frozen node would hold up all others; and it takes no registry
settings for a remote builder. The form is the same from buildx 0.13 to 0.38.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from farm.build.endpoint import Member
from farm.platforms import Platform


def write(config: Path, name: str, members: Sequence[Member], *, plain_http: Sequence[str] = ()) -> None:
    """Make the builder in the `BUILDX_CONFIG` folder, whole or not at all."""
    folder = config / "instances"
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{name}")
    draft.write_text(text(name, members, plain_http=plain_http))
    draft.replace(folder / name)


def text(name: str, members: Sequence[Member], *, plain_http: Sequence[str] = ()) -> str:
    """The file. `plain_http` names registries that buildx itself shall reach without TLS."""
    settings = "".join(f'[registry."{host}"]\n  http = true\n' for host in plain_http)
    files = {"buildkitd.toml": base64.b64encode(settings.encode()).decode()} if settings else None
    nodes = [
        {
            "Name": f"{name}-{number}",
            "Endpoint": f"unix://{member.socket}",
            "Platforms": [_platform(platform) for platform in member.platforms],
            "DriverOpts": None,
            "Flags": None,
            "Files": files,
        }
        for number, member in enumerate(members)
    ]
    return json.dumps({"Name": name, "Driver": "remote", "Nodes": nodes, "Dynamic": False})


def _platform(platform: Platform) -> dict[str, str]:
    words = {"architecture": platform.architecture, "os": platform.os, "variant": platform.variant}
    return {key: word for key, word in words.items() if word}


def keep_identity(config: Path, state: Path) -> None:
    """Let the nodes know this machine again: they then ask only for those files of a context that have changed.

    BuildKit keeps a context under a key with an identity that buildx makes anew in every `BUILDX_CONFIG` folder
    (util/confutil/config.go), and each run has a new folder. So one is kept in `state`, farm's folder for such things.
    """
    kept = state / "context-identity"
    if not kept.exists():
        state.mkdir(parents=True, exist_ok=True)
        draft = state / f".context-identity-{os.getpid()}"
        draft.write_text(secrets.token_hex(8))
        draft.replace(kept)
    config.mkdir(parents=True, exist_ok=True)
    (config / ".buildNodeID").write_text(kept.read_text())
