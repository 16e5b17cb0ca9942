"""Docker Engine's configuration, /etc/docker/daemon.json: what farm needs there, beside what is there already.

It knows mirrors of Docker Hub alone; `registry_hosts` says the rest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from farm.inventory import Registry

PATH = "/etc/docker/daemon.json"
HUB = "docker.io"


def merged(existing: str, registries: Mapping[str, Registry], *, image_store: bool = False) -> str:
    """The file with farm's part in it: the very same text where nothing is missing, so that nothing is restarted.

    `existing` is what is there, empty for no file. `image_store` switches the containerd image store on, which hides
    the images of the old one. Raises ValueError, in words, for a file that holds no JSON object.
    """
    try:
        content: Any = json.loads(existing) if existing.strip() else {}
    except json.JSONDecodeError as error:
        raise ValueError(f"{PATH}:{error.lineno}:{error.colno}: not valid JSON: {error.msg}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{PATH}: expected an object, found {type(content).__name__}")
    wanted = dict(content)
    _lead(wanted, "registry-mirrors", _hub_mirrors(registries))
    _lead(wanted, "insecure-registries", [name for name in sorted(registries) if registries[name].http])
    if image_store and _mapping(content, "features").get("containerd-snapshotter") is not True:
        wanted["features"] = {**_mapping(content, "features"), "containerd-snapshotter": True}
    return existing if wanted == content else json.dumps(wanted, indent=2) + "\n"


def _hub_mirrors(registries: Mapping[str, Registry]) -> list[str]:
    """Without those in a folder of their registry: Docker would look for `/FOLDER/v2/` there, not for `/v2/FOLDER/`."""
    hub = registries.get(HUB, Registry())
    return [
        f"{'http' if registries.get(mirror, Registry()).http else 'https'}://{mirror}"
        for mirror in hub.mirrors
        if "/" not in mirror
    ]


def _lead(content: dict[str, Any], key: str, values: list[str]) -> None:
    """Put the values before those that are there: mirrors are asked in their order."""
    there = content.get(key) or []
    if not isinstance(there, list):
        raise ValueError(f"{PATH}: expected a list at {key!r}, found {type(there).__name__}")
    known = {str(value).removesuffix("/") for value in there}  # Docker reads a mirror with and without a last slash
    if missing := [value for value in values if value not in known]:
        content[key] = [*missing, *there]


def _mapping(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = content.get(key) or {}
    if not isinstance(value, dict):
        raise ValueError(f"{PATH}: expected an object at {key!r}, found {type(value).__name__}")
    return value
