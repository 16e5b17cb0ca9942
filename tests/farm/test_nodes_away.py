"""Nodes that are not there, refuse, or cannot do what is asked: the right exit code, and each node's own answer."""

from __future__ import annotations

from pathlib import Path

from lab import ports
from tests.farm.boards import Lab
from tests.farm.command import Ended, Farm
from tests.farm.inventories import variant
from tests.farm.projects import Projects
from tests.farm.registry import Registry


def _build(farm: Farm, lab: Lab, project: Projects, name: str, inventory: Path, platform: str) -> Ended:
    context = str(project("FROM @base\nRUN : @token\n"))
    tag = f"{lab.registry}/{name}:1"
    return farm("build", context, "-t", tag, "-i", str(inventory), "--platform", platform, "--json")


def test_a_platform_that_nobody_has(farm: Farm, lab: Lab, project: Projects, name: str) -> None:
    run = _build(farm, lab, project, name, lab.inventory, "linux/riscv64")

    assert run.code == 3
    assert "linux/riscv64" in run.document["error"]["what"]
    answers = {line.partition(":")[0]: line for line in run.document["error"]["details"]}
    assert set(answers) == {"pi4", "z1", "z2"}
    assert "linux/arm64, linux/arm/v7" in answers["pi4"]
    assert "linux/amd64" in answers["z1"]
    assert "error: " in run.err
    assert "fix: " in run.err


def test_the_only_node_of_a_platform_is_away(
    farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str, tmp_path: Path
) -> None:
    inventory = variant(lab, tmp_path / "inventory.yaml", nodes={"pi4": {"port": ports.free(1)[0]}})

    run = _build(farm, lab, project, name, inventory, "linux/amd64,linux/arm64")

    assert run.code == 4
    told = " ".join((run.document["error"]["what"], *run.document["error"]["details"]))
    for word in ("linux/arm64", "pi4", "connection refused"):
        assert word in told
        assert word in run.err
    assert not registry.has(f"{name}:1")


def test_without_one_twin_the_other_builds_and_it_is_said(
    farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str, tmp_path: Path
) -> None:
    inventory = variant(lab, tmp_path / "inventory.yaml", nodes={"z1": {"port": ports.free(1)[0]}})

    run = _build(farm, lab, project, name, inventory, "linux/amd64")

    assert run.code == 0, run.err
    assert run.platform("linux/amd64")["node"] == "z2"
    assert "connection refused" in run.document["missing_nodes"]["z1"]
    assert [line for line in run.err.splitlines() if "z1" in line and "connection refused" in line]
    assert set(registry.images(f"{name}:1")) == {"linux/amd64"}
