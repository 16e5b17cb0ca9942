"""One board under two names in the inventory: said everywhere, and never given two builds at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.farm.boards import Lab
from tests.farm.command import Farm
from tests.farm.inventories import variant
from tests.farm.projects import Projects


def _inventory(lab: Lab, folder: Path, node: str, **keys: Any) -> str:
    """The lab's inventory, where the board `node` has the second name z9, by another name of its address."""
    port = lab.port(node)
    known = folder / "known_hosts"
    lines = lab.known_hosts.read_text().splitlines()
    again = [line.replace("[127.0.0.1]", "[localhost]") for line in lines if f":{port} " in line]
    known.write_text("\n".join([*lines, *again]) + "\n")
    second = {"host": "localhost", "port": port, **keys.pop("z9", {})}
    return str(variant(lab, folder / "inventory.yaml", nodes={"z9": second, **keys}, known_hosts=str(known)))


@pytest.mark.usefixtures("machine_id")
def test_the_second_name_is_no_standby(farm: Farm, lab: Lab, project: Projects, name: str, tmp_path: Path) -> None:
    inventory = _inventory(lab, tmp_path, "z1")
    context = str(project("FROM @base\nRUN : @token\n"))
    amd64 = ("-i", inventory, "--platform", "linux/amd64", "--json")
    warning = "z9 is the same machine as z1 and counts as z1: remove one of the names"

    plan = farm("plan", context, *amd64)
    run = farm("build", context, "-t", f"{lab.registry}/{name}:1", *amd64)
    nodes = farm("nodes", "-i", inventory, "--json")

    assert plan.code == 0, plan.err
    assert plan.document["warnings"] == [warning]
    assert [(each["node"], each["standbys"]) for each in plan.document["platforms"]] == [("z1", ["z2"])]
    assert run.code == 0, run.err
    assert warning in run.document["warnings"]
    same = {node["node"]: node["same_machine_as"] for node in nodes.document["nodes"]}
    assert same == {"pi4": [], "z1": ["z9"], "z2": [], "z9": ["z1"]}
    assert "z1 and z9 are one machine under several names" in farm("nodes", "-i", inventory).out


@pytest.mark.usefixtures("machine_id")
def test_two_names_with_a_platform_each_take_turns(
    farm: Farm, lab: Lab, project: Projects, name: str, tmp_path: Path
) -> None:
    inventory = _inventory(lab, tmp_path, "pi4", z9={"platforms": ["linux/arm/v7"]}, pi4={"platforms": ["linux/arm64"]})
    context = project('FROM @base\nARG TARGETARCH\nRUN sh -c "sleep 2; : built-for-$TARGETARCH-@token"\n')
    arm = ("--platform", "linux/arm64,linux/arm/v7")
    together, seen = 0, set()

    run = farm.start("build", str(context), "-t", f"{lab.registry}/{name}:1", "-i", inventory, "--json", *arm)
    while run.is_running:
        running = {kind for kind in ("arm64", "arm-") if lab.at_work(f"built-for-{kind.rstrip('-')}-{context.token}")}
        seen |= running
        together += len(running) == 2
    ended = run.end()

    assert ended.code == 0, ended.err
    assert {each["platform"]: each["node"] for each in ended.document["platforms"]} == {
        "linux/arm64": "pi4",
        "linux/arm/v7": "pi4",
    }
    assert seen == {"arm64", "arm-"}
    assert together == 0
    assert ended.document["warnings"] == ["z9 is the same machine as pi4 and counts as pi4: remove one of the names"]
