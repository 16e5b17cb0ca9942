"""From boards of every kind to one image: `farm init`, `farm provision`, `farm doctor`, `farm build`.

A bare Debian board, one with Docker and its image store, one with the Docker that Debian installs, one with Podman, one
that gets a rootless BuildKit, and a Raspberry Pi of the lab.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import buildkit_image, place
from lab.debian_host import podman, tree
from lab.debian_host.host import USER, Host
from tests.farm.bare_hosts import bare, built_tools
from tests.farm.boards import Lab
from tests.farm.command import Farm
from tests.farm.projects import Projects
from tests.farm.registry import Registry


def _own() -> tuple[str, ...]:
    """What boards of this machine's architecture build natively, for each of them another platform."""
    if platform.machine() == "aarch64":
        return ("linux/arm64", "linux/arm/v7", "linux/arm/v6")
    flags = Path("/proc/cpuinfo").read_text().split()
    levels = [f"linux/amd64/{level}" for level, flag in (("v3", "avx2"), ("v4", "avx512f")) if flag in flags]
    return ("linux/amd64", "linux/amd64/v2", *levels, "linux/386")


_PI = ("linux/arm64", "linux/arm/v7")
# The base image knows no 386.
_DOCKERFILE = """FROM @base AS with-base
RUN : @token
FROM with-base AS on-amd64
FROM with-base AS on-arm64
FROM with-base AS on-arm
FROM scratch AS on-386
FROM on-${TARGETARCH}
COPY token /token
"""
_STORE_ON = """mkdir -p /etc/docker
echo '{"features": {"containerd-snapshotter": true}}' >/etc/docker/daemon.json
systemctl restart docker"""


# What is on each board before farm comes.
_THERE = {"bare": (), "stock": tree.DOCKER, "old": tree.DOCKER, "podman": podman.PACKAGES, "rootless": ()}
_ENGINES = {"bare": "docker", "stock": "docker", "old": "container", "podman": "container", "rootless": "buildkitd"}
_INSTALL = "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends"
# The lab's boards have control groups of version 2 without controllers, and crun insists on this one.
_NO_PIDS_LIMIT = (
    "mkdir -p /etc/containers && printf '[containers]\\npids_limit = 0\\n' >/etc/containers/containers.conf"
)


@pytest.fixture(scope="module")
def hosts(lab: Lab) -> Iterator[dict[str, Host]]:
    with ExitStack() as stack:
        found = {name: stack.enter_context(bare(lab, name)) for name in _THERE}
        with ThreadPoolExecutor() as pool:
            installing = [
                pool.submit(found[name].run, f"({_INSTALL} {' '.join(packages)}) >/dev/null 2>&1")
                for name, packages in _THERE.items()
                if packages
            ]
        for each in installing:
            each.result()
        found["stock"].run(_STORE_ON)
        found["podman"].run(_NO_PIDS_LIMIT)
        yield found


@pytest.fixture(scope="module")
def image(lab: Lab) -> str:
    return buildkit_image.push(lab.registry)


@pytest.fixture
def owner(farm: Farm, lab: Lab, hosts: dict[str, Host]) -> Farm:
    """Somebody who logs in to all of them with ssh, and has no inventory yet."""
    mine = replace(farm, inventory=farm.home / "inventory.yaml")
    ssh = mine.home / ".ssh"
    ssh.mkdir(parents=True, mode=0o700)
    pi = lab.state.node("pi4")
    lines = [f"Host pi4\n HostName 127.0.0.1\n Port {pi.port}\n IdentityFile {place.at(lab.directory).key}\n"]
    lines += [
        f"Host {name}\n HostName {it.address}\n User {USER}\n IdentityFile {it.key}\n" for name, it in hosts.items()
    ]
    (ssh / "config").write_text("\n".join(lines))
    trusted = [lab.known_hosts, *(machine.known_hosts for machine in hosts.values())]
    (ssh / "known_hosts").write_text("".join(file.read_text() for file in trusted))
    return mine


@pytest.mark.timeout(900)  # five boards, and at first the tree that they are made from
def test_boards_of_every_kind_build_one_image(
    owner: Farm, lab: Lab, hosts: dict[str, Host], image: str, registry: Registry, project: Projects, name: str
) -> None:
    tools = built_tools()
    first = owner("init", "--from", "ssh", seconds=120)

    assert "wrote" in first.out, first.err
    wanted = dict(zip(hosts, _own(), strict=False))
    _write_more(owner, lab, image, wanted)

    rootless = owner("provision", "rootless", "--engine", "buildkitd", "--rootless", env=tools, seconds=180)
    assert rootless.code == 0, rootless.err
    others = owner("provision", "bare", "stock", "old", "podman", "--json", seconds=240)
    assert others.code == 0, others.err
    chosen = {node["node"]: node["engine"] for node in others.document["nodes"]}
    assert chosen | {"rootless": "buildkitd"} == _ENGINES

    examined = owner("doctor", "--json", seconds=120)
    assert examined.code == 0, examined.err
    assert [each for node in examined.document["nodes"] for each in _faults(node)] == []

    platforms = sorted({*wanted.values(), *_PI})
    run = owner(
        *("build", str(project(_DOCKERFILE, token="@token")), "-t", f"{lab.registry}/{name}:1", "--json"),
        *("--platform", ",".join(platforms)),
        seconds=240,
    )
    assert run.code == 0, run.err
    assert {node: run.platform(each)["node"] for node, each in wanted.items()} == {node: node for node in wanted}
    engines = {node: run.platform(each)["engine"].split()[0] for node, each in wanted.items()}
    assert engines == {node: _ENGINES[node] for node in wanted}
    assert sorted(registry.images(f"{name}:1")) == platforms
    for node in set(hosts) - set(wanted):  # where this machine's CPU has too few levels for all
        flags = ("--node", node, "--platform", _own()[0])
        alone = owner(
            "build", str(project("FROM @base\nRUN : @token\n")), "-t", f"{lab.registry}/{name}:{node}", *flags
        )
        assert alone.code == 0, alone.err

    again = owner("provision", "bare", "stock", "old", "podman", "rootless", "--json", env=tools, seconds=120)
    assert again.code == 0, again.err
    assert {step["state"] for node in again.document["nodes"] for step in node["steps"]} == {"right"}


def _faults(node: Any) -> list[str]:
    """What a doctor finds that is not of this machine's making."""
    return [f"{node['node']}: {each['check']}: {each['what']}" for each in node["findings"]]


def _write_more(owner: Farm, lab: Lab, image: str, wanted: dict[str, str]) -> None:
    """What no probe can know: the registry, where the container's image is, and which board is for what."""
    assert owner.inventory is not None
    document = yaml.safe_load(owner.inventory.read_text())
    document["registries"] = {lab.registry: {"http": True}}
    for node, each in wanted.items():
        document["nodes"][node]["platforms"] = [each]
    for node in ("old", "podman"):
        document["nodes"][node]["image"] = image
    owner.inventory.write_text(yaml.safe_dump(document))
