"""A bare Debian board becomes a node with its distribution's Docker."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab import arch
from lab.debian_host.host import Host
from tests.farm.bare_hosts import bare, entry, inventory
from tests.farm.boards import Lab
from tests.farm.command import Ended, Farm
from tests.farm.projects import Projects
from tests.farm.registry import Registry

_MIRROR = {"docker.io": {"mirrors": ["mirror.invalid:5000"]}, "mirror.invalid:5000": {"http": True}}


@pytest.fixture(scope="module")
def board(lab: Lab) -> Iterator[Host]:
    with bare(lab, "bare") as machine:
        yield machine


@pytest.fixture
def mine(farm: Farm, lab: Lab, board: Host, tmp_path: Path) -> Farm:
    return replace(farm, inventory=inventory(tmp_path / "inventory.yaml", lab, {"bare": entry(board)}))


def states(run: Ended) -> dict[str, str]:
    (node,) = run.document["nodes"]
    return {each["step"]: each["state"] for each in node["steps"]}


def docker_started(board: Host) -> str:
    return board.run("systemctl show docker -p ActiveEnterTimestampMonotonic --value")


# The tests of this module are one story, in this order.


def test_a_dry_run_says_what_it_would_do_and_does_nothing(mine: Farm, board: Host) -> None:
    before = board.run("dpkg-query -W; find /etc -newer /etc/hostname -type f | sort")

    run = mine("provision", "bare", "--dry-run")

    assert run.code == 0, run.err
    assert f"Debian GNU/Linux 13 (trixie), {arch.host().debian}: docker," in run.err
    assert "would   docker: install ca-certificates, docker-cli, docker.io, iptables" in run.err
    assert "steps would be done" in run.err
    assert board.run("dpkg-query -W; find /etc -newer /etc/hostname -type f | sort") == before


def test_one_that_is_cut_off_is_gone_within_moments(mine: Farm, board: Host) -> None:
    run = mine.start("provision", "bare")
    run.until_said("done    docker-unit")
    time.sleep(1)  # so that apt is at work
    run.signal(signal.SIGINT)

    ended = run.end(seconds=5)

    assert ended.code == 130
    assert "error: interrupted" in ended.err


def test_a_bare_board_builds_after_one_command(
    mine: Farm, board: Host, lab: Lab, registry: Registry, project: Projects, name: str
) -> None:
    run = mine("provision", "bare", "--json", seconds=180)

    assert run.code == 0, run.err
    assert set(states(run).values()) <= {"changed", "right"}
    # Where the one before was cut off, apt goes on by itself, and this one waits for it or does it.
    assert states(run)["docker-service"] in ("changed", "right")
    assert run.document["nodes"][0]["ready"].startswith("docker 26.1.5")
    nodes = mine("nodes")
    assert nodes.code == 0, nodes.err
    built = mine("build", str(project("FROM @base\nRUN : @token\n")), "-t", f"{lab.registry}/{name}:1")
    assert built.code == 0, built.err
    assert registry.has(f"{name}:1")


def test_the_second_run_changes_nothing_and_says_so(mine: Farm, board: Host) -> None:
    started = docker_started(board)

    run = mine("provision", "bare", "--json")

    assert run.code == 0, run.err
    assert set(states(run).values()) == {"right"}
    assert "bare: nothing had to be done; builds with docker" in run.err
    assert "next: farm doctor bare" in run.err
    assert docker_started(board) == started


def test_settings_that_change_later_reach_docker_and_it_restarts_once(
    farm: Farm, lab: Lab, board: Host, tmp_path: Path
) -> None:
    started = docker_started(board)
    path = inventory(tmp_path / "inventory.yaml", lab, {"bare": entry(board, registries=_MIRROR)})
    mine = replace(farm, inventory=path)

    run = mine("provision", "bare", "--json")

    assert run.code == 0, run.err
    assert {step for step, state in states(run).items() if state == "changed"} == {
        "docker-config",
        "docker-unit",
        "docker-service",
    }
    assert "http://mirror.invalid:5000/" in board.run("docker info --format '{{json .RegistryConfig.Mirrors}}'")
    restarted = docker_started(board)
    assert restarted != started
    again = mine("provision", "bare", "--json")
    assert set(states(again).values()) == {"right"}
    assert docker_started(board) == restarted


def test_one_step_can_be_done_alone(mine: Farm, board: Host) -> None:
    board.run("gpasswd --delete pi docker")

    run = mine("provision", "bare", "--step", "group", "--json")

    assert run.code == 0, run.err
    assert states(run) == {"group": "changed"}
    wrong = mine("provision", "bare", "--step", "grup")
    assert wrong.code == 2
    assert "there is no step 'grup' for it" in wrong.err
    assert "memory-cgroup" in wrong.err


def test_an_ssh_server_that_is_too_strict_is_told_what_farm_needs(mine: Farm, board: Host) -> None:
    board.run("echo 'MaxSessions 2' >>/etc/ssh/sshd_config && systemctl reload ssh")

    run = mine("provision", "bare", "--step", "sshd", "--json")

    assert run.code == 0, run.err
    (step,) = run.document["nodes"][0]["steps"]
    assert (step["state"], step["reason"]) == ("changed", "it starts only 2 commands on one connection")
    assert "maxsessions 10" in board.run("sshd -T")


def test_another_engine_than_the_inventory_says_is_refused(farm: Farm, lab: Lab, board: Host, tmp_path: Path) -> None:
    path = inventory(tmp_path / "inventory.yaml", lab, {"bare": entry(board, engine="docker")})

    run = replace(farm, inventory=path)("provision", "bare", "--engine", "buildkitd")

    assert run.code == 2
    assert "bare: the inventory says `engine: docker`, and --engine says buildkitd" in run.err


def test_a_broken_daemon_json_is_left_as_it_is(mine: Farm, board: Host) -> None:
    kept = board.run("cat /etc/docker/daemon.json")
    board.run("echo '{' >/etc/docker/daemon.json")

    run = mine("provision", "bare")

    assert run.code == 2
    assert "bare: /etc/docker/daemon.json:2:1: not valid JSON" in run.err
    assert board.run("cat /etc/docker/daemon.json") == "{\n"
    board.path("/etc/docker/daemon.json").write_text(kept)
