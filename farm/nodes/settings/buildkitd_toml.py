"""buildkitd's own configuration (docs/buildkitd.toml.md of BuildKit), read once when it starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from farm.inventory import Limits, Registry

PATH = "/etc/buildkit/buildkitd.toml"
SOCKET = "/run/buildkit/buildkitd.sock"
"""Where buildkitd listens if nothing else is said, and where BuildKit's own programs look for it."""

_KEPT_FOR_REUSE = ["type==source.local", "type==exec.cachemount", "type==source.git.checkout"]


def certificate(domain: str) -> str:
    """Where farm lays a registry's CA for buildkitd."""
    return f"/etc/buildkit/certs/{domain.replace(':', '_')}.pem"


def render(
    registries: Mapping[str, Registry], *, limits: Limits | None = None, certificates: Mapping[str, str] | None = None
) -> str:
    """The whole file, the same text for the same meaning.

    `registries` by `host[:port]` as of the node, `limits` of which `parallel` is buildkitd's own affair;
    `certificates` says for each registry with a `ca` where its file lies for buildkitd. Raises KeyError for one that
    is missing there.
    """
    import tomli_w  # only the few commands that set a node up need it

    parallel = limits.parallel if limits else None
    content: dict[str, Any] = {
        "worker": {
            # Beside Docker's containerd, buildkitd would offer a second worker with a cache of its own.
            "containerd": {"enabled": False},
            "oci": {
                "enabled": True,
                **({"max-parallelism": parallel} if parallel else {}),
                "gc": True,
                "gcpolicy": _collection(),
            },
        },
    }
    found = {name: _registry(name, registries[name], certificates or {}) for name in sorted(registries)}
    if kept := {name: entry for name, entry in found.items() if entry}:
        content["registry"] = kept
    return tomli_w.dumps(content)


def _collection() -> list[dict[str, Any]]:
    """When the cache is cleared. The shares are of the whole disk: a board's is often 16 or 32 GB, and not its own.

    BuildKit's own rule drops contexts and cache mounts over 512 MB after two days, too soon for who builds on Sundays.
    What images share goes last, as there.
    """
    room = {"reservedSpace": "1GB", "maxUsedSpace": "50%", "minFreeSpace": "15%"}
    return [
        {"filters": _KEPT_FOR_REUSE, "keepDuration": "240h", "maxUsedSpace": "10%"},
        room,
        {"all": True, **room},
    ]


def _registry(name: str, registry: Registry, certificates: Mapping[str, str]) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    if registry.mirrors:
        entry["mirrors"] = list(registry.mirrors)
    if registry.http:
        entry["http"] = True
    if registry.ca:
        # Said, because BuildKit takes a loopback registry for one without TLS.
        entry |= {"http": False, "ca": [certificates[name]]}
    return entry
