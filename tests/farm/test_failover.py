"""Boards that die, lose their link or freeze in the middle of a build: the work moves on, and the report says so."""

from __future__ import annotations

from tests.farm.boards import Boards, Lab
from tests.farm.command import Farm
from tests.farm.mid_step import attempts, in_mid_step
from tests.farm.projects import Projects
from tests.farm.registry import Registry

_AMD64 = ("--platform", "linux/amd64")


def _step_of(seconds: int) -> str:
    return f'FROM @base\nRUN sh -c "sleep {seconds}; : @token"\n'


def test_a_buildkit_that_is_killed_hands_over_to_its_twin(
    farm: Farm, lab: Lab, boards: Boards, registry: Registry, project: Projects, name: str
) -> None:
    context = project(_step_of(3))
    run = in_mid_step(farm, lab, context, name, *_AMD64)
    assert set(lab.at_work(context.token)) == {"z1"}
    boards.kill("z1")

    ended = run.end()

    assert ended.code == 0, ended.err
    assert attempts(ended) == [("z1", "node_lost"), ("z2", None)]
    assert ended.platform("linux/amd64")["node"] == "z2"
    assert set(registry.images(f"{name}:1")) == {"linux/amd64"}
    assert "node_lost" in ended.err
    assert "moves to z2" in ended.err


def test_a_lost_link_hands_over_to_the_twin(
    farm: Farm, lab: Lab, boards: Boards, registry: Registry, project: Projects, name: str
) -> None:
    context = project(_step_of(3))
    run = in_mid_step(farm, lab, context, name, *_AMD64)
    boards.cut_connections("z1")

    ended = run.end()

    assert ended.code == 0, ended.err
    assert attempts(ended) == [("z1", "node_lost"), ("z2", None)]
    assert set(registry.images(f"{name}:1")) == {"linux/amd64"}


def test_a_node_without_a_twin_is_reached_anew(
    farm: Farm, lab: Lab, boards: Boards, registry: Registry, project: Projects, name: str
) -> None:
    context = project(_step_of(2))
    run = in_mid_step(farm, lab, context, name, "--platform", "linux/arm64")
    boards.cut_connections("pi4")

    ended = run.end()

    assert ended.code == 0, ended.err
    assert attempts(ended, "linux/arm64") == [("pi4", "node_lost"), ("pi4", None)]
    assert set(registry.images(f"{name}:1")) == {"linux/arm64"}


def test_a_frozen_buildkit_is_noticed_within_20_seconds(
    farm: Farm, lab: Lab, boards: Boards, registry: Registry, project: Projects, name: str
) -> None:
    context = project(_step_of(2))
    run = in_mid_step(farm, lab, context, name, *_AMD64)
    boards.freeze("z1")

    run.until_said("moves to z2", seconds=20)
    ended = run.end()

    assert ended.code == 0, ended.err
    assert attempts(ended) == [("z1", "node_lost"), ("z2", None)]
    assert set(registry.images(f"{name}:1")) == {"linux/amd64"}
    assert farm.left_behind() == []
