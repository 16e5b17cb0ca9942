"""How Docker Engine with the containerd image store reaches registries."""

from __future__ import annotations

import tomllib
from pathlib import Path

from farm.inventory import Registry
from farm.nodes.settings import registry_hosts

REGISTRIES = {
    "docker.io": Registry(mirrors=("near.lan:5000", "own.lan/hub")),
    "near.lan:5000": Registry(http=True),
    "own.lan": Registry(ca=Path("/home/me/ca.pem")),
    "other.lan": Registry(pull=False),
}


def test_a_file_for_each_registry_that_needs_one() -> None:
    found = {path: tomllib.loads(text) for path, text in registry_hosts.files(REGISTRIES).items()}
    assert found == {
        "/etc/docker/certs.d/docker.io/hosts.toml": {
            "server": "https://registry-1.docker.io",
            "host": {
                "http://near.lan:5000": {"capabilities": ["pull", "resolve"]},
                "https://own.lan/v2/hub": {
                    "capabilities": ["pull", "resolve"],
                    "ca": "/etc/docker/certs.d/own.lan/ca.crt",
                    "override_path": True,
                },
            },
        },
        "/etc/docker/certs.d/near.lan:5000/hosts.toml": {"server": "http://near.lan:5000"},
        "/etc/docker/certs.d/own.lan/hosts.toml": {
            "server": "https://own.lan",
            "ca": "/etc/docker/certs.d/own.lan/ca.crt",
        },
    }


def test_mirrors_keep_their_order() -> None:
    text = registry_hosts.files({"r": Registry(mirrors=("z", "a", "m"))})["/etc/docker/certs.d/r/hosts.toml"]
    assert list(tomllib.loads(text)["host"]) == ["https://z", "https://a", "https://m"]
