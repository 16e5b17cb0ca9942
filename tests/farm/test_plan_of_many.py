"""A plan of several images before they were ever built and after, and plan against fact."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.farm.boards import Lab
from tests.farm.command import Farm
from tests.farm.projects import Projects

_PLATFORMS = ["linux/amd64", "linux/arm64"]


@pytest.fixture
def bake(lab: Lab, project: Projects, name: str, tmp_path: Path) -> tuple[str, ...]:
    """Two images for two platforms, and one for a platform that no board has."""
    context = str(project("FROM @base\nARG WHO\nRUN echo @token $WHO > /who\n"))
    targets = {
        who: {
            "context": context,
            "args": {"WHO": who},
            "tags": [f"{lab.registry}/{name}-{who}:1"],
            "platforms": ["linux/s390x"] if who == "odd" else _PLATFORMS,
        }
        for who in ("app", "tool", "odd")
    }
    path = tmp_path / "bake.json"
    path.write_text(json.dumps({"group": {"default": {"targets": ["app", "tool"]}}, "target": targets}))
    return "bake", "-f", str(path), "--allow", f"fs.read={context}"


def test_times_are_guessed_at_first_then_known_and_compared_with_what_came(farm: Farm, bake: tuple[str, ...]) -> None:
    guessed = farm(*bake, "--dry-run", "--json").document
    assert [skip["reason"] for skip in guessed["skipped"]] == []
    assert {job["expected"]["basis"] for job in guessed["jobs"]} == {"guess"}
    amd64 = [job for job in guessed["jobs"] if job["platform"] == "linux/amd64"]
    assert sorted(job["node"] for job in amd64) == ["z1", "z2"]
    assert all(job["runners_up"] for job in amd64)
    assert guessed["makespan"] >= guessed["bound"] > 0
    assert farm("history").err == "no builds yet\n"

    built = farm(*bake, "--push", "--json")
    assert built.code == 0, built.err
    nodes = {(job["target"], job["platform"]): job["actual"]["node"] for job in built.document["courses"]}

    known = farm(*bake, "--dry-run", "--json").document
    assert {(job["target"], job["platform"]): job["node"] for job in known["jobs"]} == nodes
    assert known["makespan"] < 60

    shown = farm("history", built.document["run"])
    assert [line.split()[:3] for line in shown.out.splitlines()[1:3]] == [
        ["app", "2/2", "done"],
        ["tool", "2/2", "done"],
    ]
    assert [line for line in shown.out.splitlines() if line.startswith("plan     guessed ")]


def test_for_people_the_plan_has_a_chart_and_what_cannot_be_built_is_said(farm: Farm, bake: tuple[str, ...]) -> None:
    run = farm(*bake, "app", "odd", "--dry-run")
    assert run.code == 3
    assert "\x1b" not in run.out
    assert [line.split()[0] for line in run.out.splitlines() if "│" in line or "|" in line][-2:] == ["pi4", "z1"]
    assert "error: odd: no node builds linux/s390x natively" in run.out
