"""`farm plan` and `--dry-run`: who would build what, and nothing built."""

from __future__ import annotations

from pathlib import Path

from lab import ports
from tests.farm.boards import Lab
from tests.farm.command import Farm
from tests.farm.inventories import variant
from tests.farm.projects import Projects
from tests.farm.registry import Registry


def test_a_plan_as_json(farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str) -> None:
    context = project('FROM @base\nRUN sh -c "sleep 5; : @token"\n')

    run = farm("build", str(context), "-t", f"{lab.registry}/{name}:1", "--dry-run", "--json")

    assert run.code == 0, run.err
    planned = {each["platform"]: each for each in run.document["platforms"]}
    assert {platform: each["node"] for platform, each in planned.items()} == {
        "linux/amd64": "z1",
        "linux/arm64": "pi4",
        "linux/arm/v7": "pi4",
    }
    assert planned["linux/amd64"]["standbys"] == ["z2"]
    assert planned["linux/arm64"]["standbys"] == []
    assert not any(each["emulated"] for each in planned.values())
    assert all(each["reason"] for each in planned.values())
    assert run.document["missing_nodes"] == {}
    # Nothing was built: no step, no log, no image.
    assert lab.at_work(context.token) == {}
    assert list(farm.state.rglob("*.log")) == []
    assert not registry.has(f"{name}:1")
    assert farm.left_behind() == []


def test_a_plan_for_people(farm: Farm, lab: Lab, project: Projects, tmp_path: Path) -> None:
    inventory = variant(lab, tmp_path / "inventory.yaml", nodes={"z2": {"port": ports.free(1)[0]}})

    run = farm("plan", str(project("FROM @base\n")), "-i", str(inventory), "--platform", "linux/arm/v7")

    assert run.code == 0, run.err
    assert "\x1b" not in run.out
    row = next(line for line in run.out.splitlines() if "linux/arm/v7" in line)
    assert "pi4" in row
    assert "the only native node" in row
    assert [line for line in run.out.splitlines() if line.startswith("away: ") and "z2" in line]
    assert [line for line in run.out.splitlines() if line.startswith("not needed: ") and "z1" in line]
