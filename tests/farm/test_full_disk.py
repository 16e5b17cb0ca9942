"""A node whose disk is full of its own build cache: pruned once, said so, and built there all the same."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.edge.build import daemon
from tests.farm.boards import Lab
from tests.farm.command import Ended, Farm
from tests.farm.mid_step import attempts
from tests.farm.projects import Project, Projects
from tests.farm.registry import Registry

Build = Callable[..., Ended]


@pytest.fixture
def small() -> Iterator[Path]:
    """The socket of a BuildKit on this machine that has 100 MB."""
    with tempfile.TemporaryDirectory(prefix="farm-bk-") as folder:
        root = Path(folder) / "root"
        root.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m,mode=711", "tmpfs", root], check=True)
        # It unmounts what lies below its folder when it ends.
        with daemon.running(Path(folder)) as running:
            yield running.socket


@pytest.fixture
def build(farm: Farm, lab: Lab, small: Path, name: str, tmp_path: Path, project: Projects) -> Build:
    def build(context: Project, **keys: object) -> Ended:
        document = yaml.safe_load(lab.inventory.read_text()) | keys
        document["nodes"]["small"] = {"engine": "local", "socket": str(small), "platforms": ["linux/amd64"]}
        # What holds for all nodes is about SSH, and this one has none.
        del document["defaults"]
        document["nodes"] = {"small": document["nodes"]["small"]}
        inventory = tmp_path / "inventory.yaml"
        inventory.write_text(yaml.safe_dump(document))
        tag = f"{lab.registry}/{name}:1"
        return farm("build", str(context), "-i", str(inventory), "-t", tag, "--json")

    _age(small, build, project)
    return build


def _age(small: Path, build: Build, project: Projects) -> None:
    """BuildKit's own notes need a byte or two to delete anything: used ones have room inside, as on any real board."""
    for _ in range(3):
        assert build(project(_writes(1))).code == 0
    subprocess.run([Path(sys.executable).with_name("buildctl"), "--addr", f"unix://{small}", "prune"], check=True)


def _writes(megabytes: int) -> str:
    return f"FROM @base\nRUN dd if=/dev/zero of=/big bs=1M count={megabytes} # @token\n"


def test_the_cache_is_pruned_and_the_build_goes_on_there(
    build: Build, farm: Farm, registry: Registry, project: Projects, name: str
) -> None:
    assert build(project(_writes(50))).code == 0

    run = build(project(_writes(50)))

    assert run.code == 0, run.err
    assert attempts(run) == [("small", "out_of_disk"), ("small", None)]
    assert "prunes the build cache of small, then again there" in run.err
    pruned, joined = run.document["warnings"]
    assert pruned.startswith("small: its build cache was pruned, ")
    assert pruned.endswith("MB freed")
    assert joined == "the build cache of small was pruned; joining what was built and pushed"
    assert run.platform("linux/amd64")["attempts"][1]["reason"] == f"built; {pruned.removeprefix('small: ')}"
    assert registry.images(f"{name}:1")["linux/amd64"].digest == run.platform("linux/amd64")["digest"]
    assert "Total:" in farm.log(run, "small-prune.log")


def test_what_does_not_fit_an_empty_disk_is_given_up_after_the_second_try(build: Build, project: Projects) -> None:
    run = build(project(_writes(150)))

    assert run.code == 6
    assert attempts(run) == [("small", "out_of_disk")] * 2
    assert "space" in run.document["error"]["fix"]


def test_an_inventory_can_forbid_it(build: Build, project: Projects) -> None:
    assert build(project(_writes(50))).code == 0

    run = build(project(_writes(50)), retry={"kinds": {"out_of_disk": 1}})

    assert run.code == 6
    assert attempts(run) == [("small", "out_of_disk")]
    assert run.document["warnings"] == []
    assert not (Path(run.document["logs"]) / "small-prune.log").exists()
