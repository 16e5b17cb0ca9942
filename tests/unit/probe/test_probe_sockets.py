"""What is said of a socket that cannot be used."""

from __future__ import annotations

import pytest

from farm.nodes.facts import FoundEngine
from farm.nodes.probe import answers, sockets


def only(*lines: str) -> FoundEngine:
    said = answers.read("\n".join(("farm-probe begin", "user=pi", *lines, "farm-probe end")))
    (engine,) = sockets.engines(said)
    return engine


def test_a_group_to_join() -> None:
    engine = only("socket=denied buildkit /run/buildkit/buildkitd.sock")
    assert engine.denied
    assert engine.problem == "pi may not use it"
    assert engine.fix == ("add pi to the group that owns /run/buildkit/buildkitd.sock: sudo usermod -aG buildkit pi")


@pytest.mark.parametrize("group", ["root", "-", "UNKNOWN"])
def test_nobody_should_join_root(group: str) -> None:
    fix = only(f"socket=denied {group} /run/buildkit/buildkitd.sock").fix
    assert fix is not None
    assert "buildkitd --group" in fix
    assert "usermod" not in fix


def test_a_missing_socket_with_and_without_the_program() -> None:
    missing = "socket=missing - /srv/my socket"
    engine = only(missing)
    assert (engine.socket, engine.problem, engine.denied) == ("/srv/my socket", "it is not there", False)
    assert engine.fix == "install and start buildkitd on the node, or correct `socket:`"
    assert only(missing, "buildkitd=/usr/bin/buildkitd").fix == "start buildkitd on the node, or correct `socket:`"


def test_something_that_is_no_socket() -> None:
    assert only("socket=other - /etc/hosts").problem == "it is not a socket"


def test_a_socket_that_is_named_twice_is_one() -> None:
    assert only("socket=usable - /run/x", "socket=usable - /run/x") == FoundEngine(engine="buildkitd", socket="/run/x")


def test_broken_lines_are_skipped() -> None:
    said = answers.read("farm-probe begin\nsocket=\nsocket=usable\nsocket=usable -\nfarm-probe end\n")
    assert sockets.engines(said) == ()


def test_docker_comes_after_buildkit_and_is_called_by_its_daemon() -> None:
    said = answers.read(
        "farm-probe begin\nuser=pi\ndocker=denied docker /var/run/docker.sock\nsocket=usable - /run/x\nfarm-probe end"
    )
    buildkitd, docker = sockets.engines(said)
    assert (buildkitd.engine, docker.engine) == ("buildkitd", "docker")
    assert docker.fix == "add pi to the group that owns /var/run/docker.sock: sudo usermod -aG docker pi"
    missing = "docker=missing - /srv/docker.sock"
    assert only(missing).fix == "install and start dockerd on the node, or correct `socket:`"
    assert only(missing, "dockerd=/usr/sbin/dockerd").fix == "start dockerd on the node, or correct `socket:`"
    denied = only("docker=denied root /var/run/docker.sock")
    assert denied.fix == "give the socket a group of its own on the node (dockerd --group NAME) and add pi to it"


def test_podman_comes_last_and_is_told_apart_from_docker() -> None:
    lines = ("podman=usable - /run/p", "docker=usable - /run/d", "socket=usable - /run/b")
    said = answers.read("\n".join(("farm-probe begin", "user=pi", *lines, "farm-probe end")))
    assert [engine.engine for engine in sockets.engines(said)] == ["buildkitd", "docker", "podman"]


def test_podman_that_nothing_listens_for_is_there_on_demand_only() -> None:
    engine = only("podman=missing - /run/podman/podman.sock")
    assert (engine.problem, engine.denied) == ("it is not there", False)
    assert engine.fix is not None
    assert "sudo systemctl enable --now podman.socket" in engine.fix
    denied = only("podman=denied root /run/podman/podman.sock")
    assert denied.problem == "pi may not use it"
    assert denied.fix == "give pi a Podman of its own: systemctl --user enable --now podman.socket"
