"""What docker, buildx, podman and ssh write down, in the forms in which they write it."""

from __future__ import annotations

import json

import pytest

from farm.errors import UsageError
from farm.init import buildx, docker, podman, ssh_config
from farm.init.candidates import Candidate


def _context(name: str, host: str) -> str:
    endpoint = {"Host": host, "SkipTLSVerify": False}
    return json.dumps({"Name": name, "Metadata": {"Description": "a board"}, "Endpoints": {"docker": endpoint}})


def _places(candidates: object) -> list[tuple[str, str, int | None, str | None]]:
    assert isinstance(candidates, list)
    assert all(isinstance(each, Candidate) for each in candidates)
    return [(each.name, each.host, each.port, each.user) for each in candidates]


def test_docker_contexts() -> None:
    found = docker.contexts(
        {
            "b/meta.json": _context("z1", "ssh://z1.lan:2222"),
            "a/meta.json": _context("pi4", "ssh://pi%40home@[fe80::1]"),
            "c/meta.json": _context("default", "unix:///var/run/docker.sock"),
            "d/meta.json": _context("cloud", "tcp://me:secret@1.2.3.4:2376"),
            "e/meta.json": _context("odd", "ssh://[1.2.3"),
        }
    )
    assert _places(found.candidates) == [("pi4", "fe80::1", None, "pi@home"), ("z1", "z1.lan", 2222, None)]
    assert {each.origin for each in found.candidates} == {"docker context pi4", "docker context z1"}
    assert [(each.name, each.why) for each in found.skipped] == [
        ("docker context cloud", "it is reached by tcp://, and farm goes by SSH"),
        ("docker context default", "it is reached by unix://, and farm goes by SSH"),
        ("docker context odd", "its address 'ssh://[1.2.3' makes no sense"),
    ]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"Name": "a", "Endpoints": {}}', '{"Name": 1'])
def test_a_file_that_is_no_context(text: str) -> None:
    with pytest.raises(UsageError, match=r"x/meta\.json is not a docker context"):
        docker.contexts({"x/meta.json": text})


def test_buildx_builders_with_addresses_and_contexts() -> None:
    builder = {
        "Name": "home",
        "Driver": "docker-container",
        "Nodes": [
            {
                "Name": "home0",
                "Endpoint": "ssh://pi@pi4.lan",
                "Platforms": [
                    {"architecture": "arm64", "os": "linux"},
                    {"architecture": "arm", "os": "linux", "variant": "v7"},
                ],
            },
            {"Name": "home1", "Endpoint": "z1", "Platforms": None},
            {"Name": "home2", "Endpoint": "desktop-linux", "Platforms": None},
        ],
    }
    found = buildx.builders({"instances/home": json.dumps(builder)}, {"z1": "ssh://z1.lan"})
    assert _places(found.candidates) == [("home0", "pi4.lan", None, "pi"), ("home1", "z1.lan", None, None)]
    assert found.candidates[0].platforms == ("linux/arm64", "linux/arm/v7")
    assert [(each.name, each.why) for each in found.skipped] == [
        ("buildx builder home, node home2", "it is reached here, and farm goes by SSH")
    ]


def test_a_file_that_is_no_builder() -> None:
    with pytest.raises(UsageError, match="instances/x is not a builder of buildx"):
        buildx.builders({"instances/x": '{"Name": "x"}'}, {})


def test_podman_connections_new_and_old() -> None:
    new = {
        "Connection": {
            "Default": "pi4",
            "Connections": {
                "pi4": {
                    "URI": "ssh://pi@pi4.lan:22/run/user/1000/podman/podman.sock",
                    "Identity": "/home/me/.ssh/id_ed25519",
                },
                "machine": {"URI": "unix:///run/podman.sock", "IsMachine": True},
            },
        },
        "Farm": {},
    }
    old = """
[engine]
active_service = "z1"
[engine.service_destinations]
[engine.service_destinations.z1]
uri = "ssh://root@z1.lan/run/podman/podman.sock"
[engine.service_destinations.pi4]
uri = "ssh://somebody@elsewhere.lan/"
"""
    found = podman.connections({"podman-connections.json": json.dumps(new), "containers.conf": old})
    assert _places(found.candidates) == [("pi4", "pi4.lan", 22, "pi"), ("z1", "z1.lan", None, "root")]
    assert [each.key for each in found.candidates] == ["/home/me/.ssh/id_ed25519", None]
    assert [each.name for each in found.skipped] == ["podman connection machine"]


@pytest.mark.parametrize(
    ("name", "text"), [("a.json", "{"), ("a.json", "[]"), ("a.conf", "[engine"), ("a.conf", "engine=1")]
)
def test_a_file_that_is_not_podmans(name: str, text: str) -> None:
    with pytest.raises(UsageError, match=f"{name} cannot be read as podman's"):
        podman.connections({name: text})


def test_ssh_hosts_are_taken_by_name_alone() -> None:
    config = """
# Host commented
Host pi4 pi5   # two boards
    HostName 192.168.1.10
    User pi
HOST=z1
Host *.lan !z9 z?
    User farm
Match host z1
    User root
Host github.com
  User git
Host "my board"
Include boards/*
Include "unclosed
"""
    asked = []

    def include(pattern: str) -> list[str]:
        asked.append(pattern)
        return ["Host z2 pi4\nInclude boards/*\n"]

    found = ssh_config.read(config, include, origin="~/.ssh/config")
    assert [each.host for each in found.candidates] == ["pi4", "pi5", "z1", "my board", "z2"]
    assert {(each.port, each.user, each.key) for each in found.candidates} == {(None, None, None)}
    assert [each.name for each in found.skipped] == ["github.com"]
    # A file that includes itself ends, as with ssh.
    assert asked == ["boards/*"] * 16
