"""A lab for the faults, and one scene for each."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.farm.boards import Lab
from tests.farm.command import Farm
from tests.farm.conftest import lab, name
from tests.farm.projects import Projects
from tests.faults.hazards import Hazards
from tests.faults.measurements import Measurements
from tests.faults.scene import Scene

__all__ = ["lab", "name"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Seen where this folder is named on the command line; a run of all tests does without."""
    parser.addoption("--reliability-report", type=Path, help="append what is measured to this file, as JSON lines")
    parser.addoption("--fault-rounds", type=int, default=1, help="strike so many times with every fault")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    rounds = metafunc.config.getoption("--fault-rounds", default=1)
    if rounds > 1 and "scene" in metafunc.fixturenames:
        metafunc.fixturenames.append("fault_round")
        metafunc.parametrize("fault_round", range(rounds))


@pytest.fixture(scope="session")
def measurements(pytestconfig: pytest.Config) -> Measurements:
    return Measurements(pytestconfig.getoption("--reliability-report", default=None))


class Scenes:
    """Makes scenes; whatever still runs or is broken in them is ended and mended when the test is over."""

    def __init__(self, name: str, measurements: Measurements, group: str, folder: Path) -> None:
        self._name = name
        self._measurements = measurements
        self._group = group
        self._folder = folder
        self._made: list[Scene] = []

    def __call__(self, lab: Lab, nodes: tuple[str, ...]) -> Scene:
        assert os.geteuid() == 0, "real faults need root: run the tests through scripts/test"
        folder = self._folder / f"scene-{len(self._made)}"
        folder.mkdir()
        scene = Scene(
            lab=lab,
            # Short: sockets lie below it, and their paths have at most 107 bytes.
            farm=Farm(folder=Path(tempfile.mkdtemp(prefix="farm-")), inventory=None),
            hazards=Hazards(lab, nodes),
            project=Projects(folder, lab.base),
            name=f"{self._name}-{len(self._made)}",
            measurements=self._measurements,
            group=self._group,
            folder=folder,
            nodes=nodes,
        )
        self._made.append(scene)
        return scene

    def close(self) -> None:
        for scene in self._made:
            scene.abandon()
            scene.hazards.mend()
            shutil.rmtree(scene.farm.folder)

    def assert_checked(self) -> None:
        assert self._made
        assert all(scene.checked for scene in self._made), "a test of a fault must hold the run to the invariants"


@pytest.fixture
def scenes(request: pytest.FixtureRequest, name: str, measurements: Measurements, tmp_path: Path) -> Iterator[Scenes]:
    scenes = Scenes(name, measurements, request.module.GROUP, tmp_path)
    try:
        yield scenes
        scenes.assert_checked()
    finally:
        scenes.close()


@pytest.fixture
def scene(lab: Lab, scenes: Scenes) -> Scene:
    return scenes(lab, ("pi4", "z1", "z2"))
