"""buildkitd's configuration, as buildkitd reads it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from farm.inventory import Limits, Registry
from farm.nodes.settings import buildkitd_toml

REGISTRIES = {
    "registry.lan:5000": Registry(http=True),
    "docker.io": Registry(mirrors=("registry.lan:5000", "own.lan/hub")),
    "own.lan": Registry(ca=Path("/home/me/ca.pem")),
    "plain.lan": Registry(push=False),
}


def test_registries_in_buildkitd_s_words() -> None:
    text = buildkitd_toml.render(REGISTRIES, certificates={"own.lan": "/etc/buildkit/own.pem"})
    assert tomllib.loads(text)["registry"] == {
        "docker.io": {"mirrors": ["registry.lan:5000", "own.lan/hub"]},
        "own.lan": {"http": False, "ca": ["/etc/buildkit/own.pem"]},
        "registry.lan:5000": {"http": True},
    }


def test_a_certificate_that_nobody_has_brought_is_not_left_out_in_silence() -> None:
    with pytest.raises(KeyError, match=r"own\.lan"):
        buildkitd_toml.render(REGISTRIES)


def test_the_order_of_the_inventory_makes_no_other_file() -> None:
    certificates = {"own.lan": "/x"}
    backwards = dict(reversed(REGISTRIES.items()))
    assert buildkitd_toml.render(backwards, certificates=certificates) == buildkitd_toml.render(
        REGISTRIES, certificates=certificates
    )


def test_an_inventory_without_registries_and_limits() -> None:
    found = tomllib.loads(buildkitd_toml.render({}))
    assert "registry" not in found
    assert "max-parallelism" not in found["worker"]["oci"]
    assert found["worker"]["containerd"] == {"enabled": False}


def test_parallel_steps() -> None:
    found = tomllib.loads(buildkitd_toml.render({}, limits=Limits(parallel=2, nice=5)))
    assert found["worker"]["oci"]["max-parallelism"] == 2


def test_the_cache_leaves_room_on_a_small_disk() -> None:
    _, first, last = tomllib.loads(buildkitd_toml.render({}))["worker"]["oci"]["gcpolicy"]
    assert first == {"reservedSpace": "1GB", "maxUsedSpace": "50%", "minFreeSpace": "15%"}
    assert last == {"all": True, **first}, "what images share goes last"
