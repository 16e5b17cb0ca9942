"""When a build is given up, and how often it is tried, as the inventory says; a flag is stronger."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.farm.boards import Lab
from tests.farm.command import Farm
from tests.farm.inventories import with_keys
from tests.farm.mid_step import attempts
from tests.farm.projects import Projects

_QUIET = 'FROM @base\nRUN sh -c "sleep 5; : @token"\n'
_TALKING = 'FROM @base\nRUN sh -c "for i in 1 2 3 4 5; do echo $i; sleep 1; done; : @token"\n'
_ONCE = {"kinds": {"silent": 1}}


@pytest.mark.parametrize(
    ("dockerfile", "timeouts", "reason"),
    [
        (_QUIET, {"silence": "2s"}, "nothing was heard of the build for 2.0 s"),
        (_TALKING, {"silence": "4s", "build": "3s"}, "the build took longer than 3.0 s"),
    ],
)
def test_the_inventory_says_when_a_build_is_given_up(
    farm: Farm,
    lab: Lab,
    project: Projects,
    name: str,
    tmp_path: Path,
    dockerfile: str,
    timeouts: dict[str, str],
    reason: str,
) -> None:
    inventory = with_keys(lab, tmp_path / "inventory.yaml", timeouts=timeouts, retry=_ONCE)

    run = farm(
        *("build", str(project(dockerfile)), "-i", str(inventory), "-t", f"{lab.registry}/{name}:1"),
        *("--platform", "linux/amd64", "--json"),
    )

    assert run.code == 6, run.err
    assert attempts(run) == [("z1", "silent"), ("z2", "silent")]
    assert run.platform("linux/amd64")["attempts"][0]["reason"] == reason


def test_flags_are_stronger(farm: Farm, lab: Lab, project: Projects, name: str, tmp_path: Path) -> None:
    inventory = with_keys(lab, tmp_path / "inventory.yaml", timeouts={"silence": "1s", "build": "2s"}, retry=_ONCE)

    run = farm(
        *("build", str(project(_QUIET)), "-i", str(inventory), "-t", f"{lab.registry}/{name}:1"),
        *("--platform", "linux/amd64", "--json", "--silence", "1m", "--timeout", "2m"),
    )

    assert run.code == 0, run.err
    assert attempts(run) == [("z1", None)]


def test_no_try_begins_after_the_total(farm: Farm, lab: Lab, project: Projects, name: str, tmp_path: Path) -> None:
    inventory = with_keys(lab, tmp_path / "inventory.yaml", retry={"total": "1s"})

    run = farm(
        *("build", str(project("FROM @base\nRUN sh -c 'sleep 2; exit 3; : @token'\n")), "-i", str(inventory)),
        *("-t", f"{lab.registry}/{name}:1", "--platform", "linux/amd64", "--json"),
    )

    assert run.code == 6, run.err
    assert attempts(run) == [("z1", "step_failed")]
    assert "no try begins later than 1.0 s after the first" in run.err
