"""A lab for the faults, and one scene for each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.farm.boards import Lab
from tests.farm.command import Farm
from tests.farm.conftest import farm, lab, name, project
from tests.farm.projects import Projects
from tests.faults.hazards import Hazards
from tests.faults.measurements import Measurements
from tests.faults.scene import Scene

__all__ = ["farm", "lab", "name", "project"]


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


@pytest.fixture
def scene(
    request: pytest.FixtureRequest,
    lab: Lab,
    farm: Farm,
    project: Projects,
    name: str,
    measurements: Measurements,
    tmp_path: Path,
) -> Iterator[Scene]:
    assert os.geteuid() == 0, "real faults need root: run the tests through scripts/test"
    hazards = Hazards(lab)
    scene = Scene(
        lab=lab,
        farm=farm,
        hazards=hazards,
        project=project,
        name=name,
        measurements=measurements,
        group=request.module.GROUP,
        folder=tmp_path,
    )
    try:
        yield scene
        assert scene.checked, "a test of a fault must hold the run to the invariants"
    finally:
        scene.abandon()
        hazards.mend()
