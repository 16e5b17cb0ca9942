"""Nodes that are there, but let nobody in: a refusal, not an absence, with what mends it."""

from __future__ import annotations

from pathlib import Path

from lab import keys
from tests.farm.boards import Lab
from tests.farm.command import Ended, Farm
from tests.farm.inventories import variant
from tests.farm.projects import Projects


def _build(farm: Farm, lab: Lab, project: Projects, name: str, inventory: Path, platform: str) -> Ended:
    context = str(project("FROM @base\nRUN : @token\n"))
    tag = f"{lab.registry}/{name}:1"
    return farm("build", context, "-t", tag, "-i", str(inventory), "--platform", platform, "--json")


def test_a_changed_host_key_is_refused(farm: Farm, lab: Lab, project: Projects, name: str, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    other_key = (lab.node_folder("z1") / "host_key.pub").read_text().split()
    known.write_text(f"[127.0.0.1]:{lab.port('pi4')} {other_key[0]} {other_key[1]}\n")
    inventory = variant(lab, tmp_path / "inventory.yaml", nodes={"pi4": {"known_hosts": str(known)}})

    run = _build(farm, lab, project, name, inventory, "linux/arm64")

    assert run.code == 5, run.err
    assert "host key" in run.err
    assert "CHANGED" in run.err
    assert "farm nodes trust pi4" in run.err


def test_a_key_that_the_node_does_not_know_is_refused(
    farm: Farm, lab: Lab, project: Projects, name: str, tmp_path: Path
) -> None:
    keys.make(tmp_path / "stranger", "nobody knows it")
    inventory = variant(lab, tmp_path / "inventory.yaml", key=str(tmp_path / "stranger"))

    run = _build(farm, lab, project, name, inventory, "linux/amd64")

    assert run.code == 5, run.err
    assert "ssh-copy-id" in run.err
