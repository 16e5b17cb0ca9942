"""No inventory: this machine's own BuildKit is the farm."""

from __future__ import annotations

import platform
from dataclasses import replace
from pathlib import Path

from tests.farm.boards import Lab
from tests.farm.command import Farm
from tests.farm.projects import Projects

_HERE = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}[platform.machine()]


def test_a_local_buildkit_builds_without_an_inventory(farm: Farm, lab: Lab, project: Projects, tmp_path: Path) -> None:
    # A board's socket as seen from outside stands for a BuildKit of this machine's own.
    node = next(node.shape.name for node in lab.state.nodes if node.shape.platforms[0] == _HERE)
    context = project("FROM scratch\nCOPY Dockerfile /@token\n")

    run = replace(farm, inventory=None)(
        *("build", ".", "--output", f"type=oci,dest={tmp_path}/image.tar", "--platform", _HERE, "--json"),
        cwd=context.folder,
        env={"BUILDKIT_HOST": f"unix://{lab.socket(node)}"},
    )

    assert run.code == 0, run.err
    (built,) = run.document["platforms"]
    assert built["platform"] == _HERE
    assert built["node"] == "local"
    assert " v" in built["engine"]
    assert (tmp_path / "image.tar").exists()


def test_without_any_buildkit_it_says_what_to_do(farm: Farm, project: Projects) -> None:
    run = replace(farm, inventory=None)(
        *("build", str(project("FROM scratch\nCOPY Dockerfile /\n")), "--json"),
        env={"BUILDKIT_HOST": "unix:///no/such/buildkitd.sock", "DOCKER_HOST": "unix:///no/such/docker.sock"},
    )

    # Known before anything is built: nothing is tried again, and nobody waits.
    assert run.code == 4
    assert run.document["platforms"] == []
    assert "/no/such/buildkitd.sock" in run.err
    assert "fix: " in run.err
    assert "Traceback" not in run.err
