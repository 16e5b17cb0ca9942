"""Ctrl-C and SIGTERM at any instant: gone within three seconds, nothing left anywhere, and the next run works."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.farm.boards import Boards, Lab
from tests.farm.command import Ended, Farm, Running
from tests.farm.mid_step import in_mid_step
from tests.farm.projects import Projects
from tests.farm.registry import Registry
from tests.farm.waiting import wait_until

_SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
_LONG = 'FROM @base\nARG SECONDS=600\nRUN sh -c "sleep $SECONDS; : @token"\n'


def _assert_is_gone(farm: Farm, run: Running, number: signal.Signals) -> Ended:
    run.signal(number)
    ended = run.end(seconds=3)
    assert ended.code == 130, ended.err
    assert "Traceback" not in ended.err
    assert "interrupted" in ended.err
    assert ended.document["exit_code"] == 130
    assert farm.left_behind() == []
    return ended


@_SIGNALS
def test_during_the_probe(
    farm: Farm, lab: Lab, boards: Boards, project: Projects, name: str, number: signal.Signals
) -> None:
    boards.freeze("z2", "sshd")
    run = farm.start("build", str(project(_LONG)), "-t", f"{lab.registry}/{name}:1", "--json")
    run.until_said("[z1] ")

    _assert_is_gone(farm, run, number)


@_SIGNALS
def test_in_the_middle_of_a_step(
    farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str, number: signal.Signals
) -> None:
    context = project(_LONG)
    run = in_mid_step(farm, lab, context, name)
    wait_until(lambda: set(lab.at_work(context.token)) == {"z1", "pi4"})

    ended = _assert_is_gone(farm, run, number)

    logs = Path(ended.document["logs"])
    assert json.loads((logs / "report.json").read_text()) == ended.document
    assert f"log: {logs}" in ended.err
    assert "--resume" in ended.document["error"]["fix"]
    wait_until(lambda: not lab.at_work(context.token), seconds=5)
    build = ("build", str(context), "-t", f"{lab.registry}/{name}:1", "--platform", "linux/amd64")
    again = farm(*build, "--build-arg", "SECONDS=0")
    assert again.code == 0, again.err
    assert set(registry.images(f"{name}:1")) == {"linux/amd64"}


def test_while_a_node_is_frozen(farm: Farm, lab: Lab, boards: Boards, project: Projects, name: str) -> None:
    run = in_mid_step(farm, lab, project(_LONG), name, "--platform", "linux/amd64")
    boards.freeze("z1")

    _assert_is_gone(farm, run, signal.SIGINT)


@_SIGNALS
def test_during_the_join(
    farm: Farm, lab: Lab, boards: Boards, registry: Registry, project: Projects, name: str, number: signal.Signals
) -> None:
    build = ("build", str(project("FROM @base\nRUN : @token\n")), "-t", f"{lab.registry}/{name}:1")
    run = farm.start(*build, "--platform", "linux/amd64", "--json", "--progress", "json")
    run.until_said('"event": "stage_started"', seconds=30)
    run.until_said('"stage": "join"', seconds=30)
    boards.freeze_registry()

    ended = _assert_is_gone(farm, run, number)

    assert ended.platform("linux/amd64")["digest"].startswith("sha256:")

    boards.mend()
    assert not registry.has(f"{name}:1")
    again = farm(*build, "--platform", "linux/amd64")
    assert again.code == 0, again.err
    assert registry.has(f"{name}:1")


def test_farm_nodes_too(farm: Farm, boards: Boards) -> None:
    boards.freeze("z2", "sshd")
    run = farm.start("nodes", "--timeout", "30", "--json")
    wait_until(lambda: list(farm.temporary.iterdir()))

    _assert_is_gone(farm, run, signal.SIGINT)
