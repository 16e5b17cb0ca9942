"""`farm prune` on the boards of the lab: bytes are really freed there, and what goes is said before."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.farm.boards import Boards, Lab
from tests.farm.command import Farm
from tests.farm.projects import Projects
from tests.farm.registry import Registry

MEGABYTES = 20


@pytest.fixture
def built(farm: Farm, lab: Lab, name: str, project: Projects) -> str:
    """An image of which each of two nodes has a layer of 20 MB in its cache, pushed twice, the first time long ago."""
    reference = f"{lab.registry}/{name}:1"
    for _ in range(2):
        context = project(f"FROM @base\nRUN dd if=/dev/urandom of=/big bs=1M count={MEGABYTES} # @token\n")
        run = farm(
            "build",
            str(context),
            "-t",
            reference,
            "--platform",
            "linux/arm64,linux/amd64",
            "--node",
            "pi4",
            "--node",
            "z1",
        )
        assert run.code == 0, run.err
    return reference


def nodes(document: Any) -> dict[str, Any]:
    return {node["node"]: node for node in document["nodes"]}


def test_caches_are_cut_on_all_nodes_at_once(farm: Farm, built: str) -> None:
    chosen = ("--node", "pi4", "--node", "z1", "--json")
    listed = nodes(farm("prune", "--max-used-space", "1MB", "--dry-run", *chosen).document)
    assert {*listed} == {"pi4", "z1"}
    for node in listed.values():
        assert node["freed"] > 2 * MEGABYTES * 2**20
        assert node["reasons"] == ["more than 1.0 MB of cache"]
        assert node["after"] is None

    assert nodes(farm("prune", "--filter", "until=24h", *chosen).document)["z1"]["note"] == "nothing to prune"

    done = farm("prune", "--max-used-space", "1MB", *chosen)
    assert done.code == 0, done.err
    for name, node in nodes(done.document).items():
        assert node["freed"] == pytest.approx(listed[name]["freed"], rel=0.1)
        assert node["after"]["free"] > node["before"]["free"] + MEGABYTES * 2**20
        assert node["inodes_freed"] is None or node["inodes_freed"] > 0
        assert node["error"] is None

    said = farm("prune", "--max-used-space", "1MB", "--node", "z1")
    assert said.out.startswith("z1: nothing to prune; ")
    assert " are now free" in said.out


def test_a_node_that_is_away_does_not_keep_the_others(farm: Farm, boards: Boards, built: str) -> None:
    boards.kill("pi4", "sshd")
    done = farm("prune", "--all", "--node", "pi4", "--node", "z1", "--timeout", "3")
    assert done.code == 4
    away, pruned = done.out.splitlines()[0], next(line for line in done.out.splitlines() if line.startswith("z1: "))
    assert away.startswith("pi4")
    assert pruned.startswith("z1: freed ")


def test_what_the_inventory_wants_is_done_with_digests_and_logs(
    farm: Farm, lab: Lab, registry: Registry, built: str, tmp_path: Path
) -> None:
    _make_old(farm)
    document = yaml.safe_load(lab.inventory.read_text())
    document["housekeeping"] = {"cache_age": "30d", "registry": True, "keep_runs": 1}
    inventory = tmp_path / "inventory.yaml"
    inventory.write_text(yaml.safe_dump(document))
    options = ("-i", str(inventory), "--node", "z1", "--json")

    would = farm("prune", *options, "--dry-run").document
    done = farm("prune", *options)
    assert done.code == 0, done.err
    (repository,) = done.document["repositories"]
    assert repository == would["repositories"][0]
    assert repository["repository"] == built.rpartition(":")[0]
    # Of the first run: of each platform what its node pushed, with the image and the attestation in it, and the index of
    # the tag with the attestations that it was joined with.
    assert len(repository["digests"]) == 2 * 3 + 1 + 2
    assert {*registry.images(built.partition("/")[2])} == {"linux/amd64", "linux/arm64"}
    assert done.document["runs"]["runs"] == would["runs"]["runs"]
    assert len(done.document["runs"]["runs"]) == 1
    assert farm("prune", *options).document["repositories"] == []


def _make_old(farm: Farm) -> None:
    """Let the runs be of last week."""
    import sqlite3

    week = 7 * 86400
    for folder in (farm.state / "farm" / "runs").iterdir():
        for path in (*folder.rglob("*"), folder):
            os.utime(path, (time.time() - week, time.time() - week))
    with sqlite3.connect(farm.state / "farm" / "history.db") as connection:
        connection.execute("UPDATE run SET started = replace(started, substr(started, 1, 4), '2020')")
    connection.close()
