"""Docker Engine among the nodes: Debian 13's own, on a machine of its own, beside the lab's boards."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.debian_host import docker, tree
from lab.debian_host import host as debian_host
from lab.debian_host.host import USER, Host
from tests.farm.boards import Lab
from tests.farm.command import Farm
from tests.farm.inventories import variant
from tests.farm.projects import Projects
from tests.farm.registry import Registry

_HERE = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}[platform.machine()]
_OTHER = {"linux/amd64": "linux/arm64", "linux/arm64": "linux/amd64"}[_HERE]
# The file is another one in every run of the step: only a cached join finds the same image again.
_UNLIKE_ITSELF = "FROM @base\nRUN cat /proc/sys/kernel/random/uuid >id && : @token\n"


@pytest.fixture(scope="module")
def engine(lab: Lab) -> Iterator[Host]:
    with debian_host.running("deb13", tree.DOCKER) as machine:
        machine.bring(int(lab.registry.rpartition(":")[2]))
        docker.start(machine, image_store=True)
        machine.let_into("docker")
        yield machine


@pytest.fixture
def mixed(farm: Farm, lab: Lab, engine: Host, tmp_path: Path) -> Farm:
    """The lab, with Docker as one more node."""
    here = {
        "host": engine.address,
        "port": 22,
        "user": USER,
        "key": str(engine.key),
        "known_hosts": str(engine.known_hosts),
        "engine": "auto",
    }
    return replace(farm, inventory=variant(lab, tmp_path / "inventory.yaml", nodes={"deb13": here}))


def test_buildkitd_and_docker_push_one_image_and_docker_keeps_none(
    mixed: Farm, lab: Lab, engine: Host, registry: Registry, project: Projects, name: str
) -> None:
    boards = [node.shape.name for node in lab.state.nodes if _OTHER in node.shape.platforms]

    run = mixed(
        *("build", str(project(_UNLIKE_ITSELF)), "-t", f"{lab.registry}/{name}:1", "--json"),
        *("--platform", f"{_HERE},{_OTHER}", "--node", "deb13", "--node", boards[0]),
    )

    assert run.code == 0, run.err
    assert run.document["warnings"] == []
    assert "at /var/run/docker.sock; no buildkitd there" in run.err
    assert run.platform(_HERE)["engine"].startswith("docker 26.1.5")
    assert run.platform(_OTHER)["engine"].startswith("buildkitd v")
    # What was joined is what each node had pushed before, and the join ran no step.
    images = registry.images(f"{name}:1")
    assert {each: image.digest for each, image in images.items()} == {
        each: run.platform(each)["digest"] for each in (_HERE, _OTHER)
    }
    assert run.document["index_digest"] == registry.digest(f"{name}:1")
    steps = [line for line in mixed.log(run, "join.log").splitlines() if line.startswith("< [") and "] RUN " in line]
    assert len(steps) == 2
    assert all(line.endswith(": cached") for line in steps)
    assert docker.images(engine) == ""


def test_docker_on_this_machine_builds_without_an_inventory(
    farm: Farm, lab: Lab, engine: Host, registry: Registry, project: Projects, name: str
) -> None:
    # The other machine's socket is a file here, as this machine's own would be.
    run = replace(farm, inventory=None)(
        *("build", ".", "-t", f"{lab.registry}/{name}:1", "--json", "--platform", _HERE),
        cwd=project(_UNLIKE_ITSELF).folder,
        env={"DOCKER_HOST": f"unix://{engine.path('/run/docker.sock')}"},
    )

    assert run.code == 0, run.err
    built = run.platform(_HERE)
    assert built["node"] == "local"
    assert built["engine"].startswith("docker 26.1.5")
    assert {_HERE: built["digest"]} == {each: image.digest for each, image in registry.images(f"{name}:1").items()}
    assert docker.images(engine) == ""
