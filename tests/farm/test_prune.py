"""`farm prune` on the boards of the lab: bytes are really freed there, and what goes is said before."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
from collections.abc import Callable
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
def build(farm: Farm, lab: Lab, name: str, project: Projects) -> Callable[..., str]:
    """Builds an image of which each node has a layer of 20 MB in its cache, and pushes it; returns its name."""

    def build(*platforms: str) -> str:
        context = project(f"FROM @base\nRUN dd if=/dev/urandom of=/big bs=1M count={MEGABYTES} # @token\n")
        reference = f"{lab.registry}/{name}:1"
        run = farm(
            *("build", str(context), "-t", reference, "--platform", ",".join(platforms)),
            *("--node", "pi4", "--node", "z1"),
        )
        assert run.code == 0, run.err
        return reference

    return build


def lying(lab: Lab, node: str) -> int:
    """The bytes that a board holds; its daemons are root's."""
    prefix = () if os.geteuid() == 0 else ("sudo", "-n")
    du = [*prefix, "du", "-s", "-B1", str(lab.node_folder(node))]
    return int(subprocess.run(du, capture_output=True, text=True, check=True).stdout.split()[0])


def nodes(document: Any) -> dict[str, Any]:
    return {node["node"]: node for node in document["nodes"]}


def test_caches_are_cut_on_all_nodes_at_once(farm: Farm, lab: Lab, build: Callable[..., str]) -> None:
    chosen = ("--node", "pi4", "--node", "z1", "--json")
    # Other tests may have left what BuildKit takes for old: a layer that was pulled is as old as its image says.
    assert farm("prune", "--filter", "until=24h", *chosen).code == 0
    build("linux/arm64", "linux/amd64")
    listed = nodes(farm("prune", "--max-used-space", "1MB", "--dry-run", *chosen).document)
    assert {*listed} == {"pi4", "z1"}
    for node in listed.values():
        assert node["freed"] > MEGABYTES * 2**20
        assert node["reasons"] == ["more than 1.0 MB of cache"]
        assert node["after"] is None

    assert nodes(farm("prune", "--filter", "until=24h", *chosen).document)["z1"]["note"] == "nothing to prune"

    lay = {name: lying(lab, name) for name in listed}
    done = farm("prune", "--max-used-space", "1MB", *chosen)
    assert done.code == 0, done.err
    for name, node in nodes(done.document).items():
        assert node["freed"] == pytest.approx(listed[name]["freed"], rel=0.1)
        # Others write to this machine's disk at the same time: what the boards hold is counted there.
        assert lay[name] - lying(lab, name) > MEGABYTES * 2**20
        assert node["after"].keys() == node["before"].keys() == {"free", "total", "inodes_free", "inodes_total"}
        assert node["error"] is None

    said = farm("prune", "--max-used-space", "1MB", "--node", "z1")
    assert said.out.startswith("z1: nothing to prune; ")
    assert " are now free" in said.out


def test_a_node_that_is_away_does_not_keep_the_others(farm: Farm, boards: Boards, build: Callable[..., str]) -> None:
    build("linux/amd64")
    boards.kill("pi4", "sshd")
    done = farm("prune", "--min-free-space", "1PB", "--node", "pi4", "--node", "z1", "--timeout", "3")
    assert done.code == 4
    away, pruned = done.out.splitlines()[0], next(line for line in done.out.splitlines() if line.startswith("z1: "))
    assert away.startswith("pi4")
    assert pruned.startswith("z1: freed ")
    assert "(less than 1125.9 TB of the disk free)" in pruned


def test_what_the_inventory_wants_is_done_with_digests_and_logs(
    farm: Farm, lab: Lab, registry: Registry, build: Callable[..., str], tmp_path: Path
) -> None:
    for _ in range(2):
        built = build("linux/amd64")
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
    # Of the first run: what the node pushed, with the image and the attestation in it, and the index of the tag with
    # the attestation that it was joined with.
    assert len(repository["digests"]) == 3 + 2
    assert {*registry.images(built.partition("/")[2])} == {"linux/amd64"}
    assert done.document["runs"]["runs"] == would["runs"]["runs"]
    assert len(done.document["runs"]["runs"]) == 1
    assert farm("prune", *options).document["repositories"] == []


def _make_old(farm: Farm) -> None:
    """Let the runs be of last week."""
    week = 7 * 86400
    for folder in (farm.state / "farm" / "runs").iterdir():
        for path in (*folder.rglob("*"), folder):
            os.utime(path, (time.time() - week, time.time() - week))
    with sqlite3.connect(farm.state / "farm" / "history.db") as connection:
        connection.execute("UPDATE run SET started = replace(started, substr(started, 1, 4), '2020')")
    connection.close()
