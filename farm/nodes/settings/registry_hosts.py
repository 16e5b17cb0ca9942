"""How Docker Engine reaches each registry: /etc/docker/certs.d/HOST/hosts.toml, read anew for each pull and push.

With the containerd image store Docker Engine 28 and later obey these files for every registry (moby,
daemon/hosts.go: containerd's own form, docs/hosts.md there). Older ones read only the certificates beside them, and of
mirrors those of Docker Hub in daemon.json.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from farm.inventory import Registry
from farm.nodes.settings.docker_json import HUB

FOLDER = "/etc/docker/certs.d"
_HUB_API = "registry-1.docker.io"


def certificate(domain: str) -> str:
    """Where Docker Engine looks for a registry's CA."""
    return f"{FOLDER}/{domain}/ca.crt"


def files(registries: Mapping[str, Registry]) -> dict[str, str]:
    """The text of each file by its path on the node; the certificates at `certificate` are not among them."""
    import tomli_w  # only the few commands that set a node up need it

    return {
        f"{FOLDER}/{domain}/hosts.toml": tomli_w.dumps(_content(domain, registries))
        for domain in sorted(registries)
        if registries[domain].mirrors or registries[domain].http or registries[domain].ca
    }


def _content(domain: str, registries: Mapping[str, Registry]) -> dict[str, Any]:
    # What is said before the mirrors is of the registry itself, asked last.
    content: dict[str, Any] = {
        "server": _url(_HUB_API if domain == HUB else domain, registries[domain]),
        **_trust(domain, registries[domain]),
    }
    if registries[domain].mirrors:
        content["host"] = dict(_mirror(mirror, registries) for mirror in registries[domain].mirrors)
    return content


def _mirror(mirror: str, registries: Mapping[str, Registry]) -> tuple[str, dict[str, Any]]:
    domain, _, folder = mirror.partition("/")
    reach = registries.get(domain, Registry())
    content: dict[str, Any] = {"capabilities": ["pull", "resolve"], **_trust(domain, reach)}
    if not folder:
        return _url(domain, reach), content
    return f"{_url(domain, reach)}/v2/{folder}", {**content, "override_path": True}


def _url(host: str, registry: Registry) -> str:
    return f"{'http' if registry.http else 'https'}://{host}"


def _trust(domain: str, registry: Registry) -> dict[str, Any]:
    return {"ca": certificate(domain)} if registry.ca else {}
