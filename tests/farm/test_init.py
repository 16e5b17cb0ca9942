"""`farm init`: from hosts, from what other tools know, and by asking, to an inventory that works at once."""

from __future__ import annotations

import getpass
import json
import os
import pty
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from farm import inventory
from lab import place, ports
from tests.farm.boards import Lab
from tests.farm.command import Farm

_NATIVE = {"pi4": ["linux/arm/v7", "linux/arm64"], "z1": ["linux/amd64"], "z2": ["linux/amd64"]}


@pytest.fixture
def newcomer(farm: Farm, lab: Lab) -> Farm:
    """Somebody without an inventory, who trusts the lab's boards and whose key they let in."""
    found = replace(farm, inventory=None)
    ssh = found.home / ".ssh"
    ssh.mkdir(parents=True, mode=0o700)
    shutil.copy(lab.known_hosts, ssh / "known_hosts")
    shutil.copy(place.at(lab.directory).key, ssh / "id_ed25519")
    return found


def _host(lab: Lab, node: str) -> str:
    return f"{node}={getpass.getuser()}@127.0.0.1:{lab.port(node)}"


def _platforms(file: Path) -> dict[str, list[str]]:
    """What the file says each node builds, by way of the real loader."""
    found = inventory.load(file)
    return {name: sorted(str(platform) for platform in node.platforms) for name, node in found.nodes.items()}


def test_hosts_on_the_command_line_become_nodes(newcomer: Farm, lab: Lab) -> None:
    run = newcomer("init", *(_host(lab, node) for node in ("pi4", "z1", "z2")))

    assert run.code == 0, run.err
    assert _platforms(newcomer.home / "inventory.yaml") == _NATIVE
    assert "wrote inventory.yaml with 3 nodes" in run.out
    assert "next: farm nodes" in run.out
    nodes = newcomer("nodes", "--json")
    assert nodes.code == 0, nodes.err
    assert {node["node"] for node in nodes.document["nodes"]} == set(_NATIVE)


def test_a_file_that_is_there_stays(newcomer: Farm, lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("precious")

    refused = newcomer("init", _host(lab, "z1"), "-i", str(file))

    assert refused.code == 2
    assert "is there already" in refused.err
    assert "--force" in refused.err
    assert file.read_text() == "precious"
    assert newcomer("init", _host(lab, "z1"), "-i", str(file), "--force").code == 0
    assert _platforms(file) == {"z1": ["linux/amd64"]}
    assert list(tmp_path.iterdir()) == [file]


def test_without_hosts_and_without_a_terminal(newcomer: Farm) -> None:
    run = newcomer("init", "--json")

    assert run.code == 2
    assert "nobody is here to ask" in run.err
    assert "--from" in run.document["error"]["fix"]
    assert list(newcomer.home.glob("*.yaml")) == []


def test_boards_that_are_away_are_nodes_if_named_and_comments_if_not(newcomer: Farm, lab: Lab, tmp_path: Path) -> None:
    away = ports.free(1)[0]
    hosts = tmp_path / "hosts.yml"
    boards = {
        name: {"ansible_host": "127.0.0.1", "ansible_port": port}
        for name, port in (("z1", lab.port("z1")), ("old", away))
    }
    hosts.write_text(yaml.safe_dump({"minis": {"hosts": boards, "vars": {"ansible_user": getpass.getuser()}}}))

    run = newcomer("init", f"pi9=127.0.0.1:{away}", "--from", f"ansible:{hosts}", "--json")

    assert run.code == 4, run.err
    file = newcomer.home / "inventory.yaml"
    assert _platforms(file) == {"pi9": [], "z1": ["linux/amd64"]}
    assert inventory.load(file).nodes["z1"].labels == ("minis",)
    assert "# old:" in file.read_text()
    told = {node["node"]: node for node in run.document["nodes"]}
    assert {name for name, node in told.items() if node["is_commented"]} == {"old"}
    assert told["z1"]["platforms"] == ["linux/amd64"]
    assert told["z1"]["engine"].startswith("buildkitd ")
    assert "connection refused" in told["pi9"]["error"]["what"]


def test_with_nothing_usable_nothing_is_written(newcomer: Farm, tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text(f"old ansible_host=127.0.0.1:{ports.free(1)[0]}\nold2 ansible_host=127.0.0.1 ansible_port=1\n")

    run = newcomer("init", "--from", f"ansible:{hosts}")

    assert run.code == 4
    assert "nothing was written" in run.err
    assert "old2 (127.0.0.1:1): connection refused" in run.err
    assert list(newcomer.home.glob("*.yaml")) == []


def test_what_docker_buildx_podman_and_ssh_know(newcomer: Farm, lab: Lab) -> None:
    user = getpass.getuser()
    context = newcomer.home / ".docker" / "contexts" / "meta" / "0a1b" / "meta.json"
    builder = newcomer.home / ".docker" / "buildx" / "instances" / "home"
    connections = newcomer.home / ".config" / "containers" / "podman-connections.json"
    for file, document in (
        (context, {"Name": "Z1", "Endpoints": {"docker": {"Host": f"ssh://{user}@127.0.0.1:{lab.port('z1')}"}}}),
        (
            builder,
            {"Name": "home", "Nodes": [{"Name": "home0", "Endpoint": "Z1"}, {"Name": "x", "Endpoint": "unix:///x"}]},
        ),
        (
            connections,
            {
                "Connection": {
                    "Connections": {"z2": {"URI": f"ssh://{user}@127.0.0.1:{lab.port('z2')}/run/podman.sock"}}
                }
            },
        ),
    ):
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(document))
    config = newcomer.home / ".ssh" / "config"
    config.write_text(
        f"Host board\n  HostName 127.0.0.1\n  Port {lab.port('pi4')}\n  User {user}\nHost *\n  Compression no\n"
    )
    sources = [word for kind in ("docker", "buildx", "podman", "ssh") for word in ("--from", kind)]

    looked = newcomer("init", *sources, "-i", "-")

    assert looked.code == 0, looked.err
    assert list(newcomer.home.glob("*.yaml")) == []
    assert newcomer("init", *sources).code == 0
    file = newcomer.home / "inventory.yaml"
    assert file.read_text() == looked.out
    # The builder's node is the context's board.
    assert _platforms(file) == {"z1": _NATIVE["z1"], "z2": _NATIVE["z2"], "board": _NATIVE["pi4"]}
    assert inventory.load(file).nodes["board"].host == "board"
    assert "left out buildx builder home, node x: it is reached by unix://" in looked.err


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("lxd", "there is no such source"),
        ("ssh:config", "there is no such source"),
        ("docker", "no context in"),
        ("buildx", "no builder in"),
        ("podman", "no connections in"),
        ("ansible:none.yml", "no file none.yml"),
        ("ansible:.", "is a folder"),
    ],
)
def test_a_source_that_is_not_there(newcomer: Farm, source: str, words: str) -> None:
    run = newcomer("init", "--from", source)

    assert run.code == 2
    assert words in run.err
    assert "fix: " in run.err


def test_a_new_host_key_is_never_trusted_silently(newcomer: Farm, lab: Lab) -> None:
    known = newcomer.home / ".ssh" / "known_hosts"
    known.unlink()

    run = newcomer("init", _host(lab, "z1"))

    assert run.code == 5
    file = newcomer.home / "inventory.yaml"
    assert list(_platforms(file)) == ["z1"]
    assert "farm nodes trust z1" in file.read_text()
    assert "next: compare the fingerprint and run: farm nodes trust z1" in run.out
    assert not known.exists()


class _Terminal:
    """A person at a terminal."""

    def __init__(self) -> None:
        self.outer, self.inner = pty.openpty()

    def type(self, line: str) -> None:
        os.write(self.outer, f"{line}\n".encode())

    def close(self) -> None:
        os.close(self.outer)
        os.close(self.inner)


@pytest.fixture
def terminal() -> Iterator[_Terminal]:
    terminal = _Terminal()
    yield terminal
    terminal.close()


def test_it_asks_and_shows_host_keys(newcomer: Farm, lab: Lab, terminal: _Terminal) -> None:
    known = newcomer.home / ".ssh" / "known_hosts"
    trusted = known.read_text()
    known.unlink()
    hosts = " ".join(f"{node}=127.0.0.1:{lab.port(node)}" for node in ("pi4", "z1"))

    for line in (hosts, getpass.getuser(), "y", "n"):
        terminal.type(line)
    run = newcomer.start("init", stdin=terminal.inner).end()

    assert run.code == 5, run.err
    file = newcomer.home / "inventory.yaml"
    assert _platforms(file) == {"pi4": _NATIVE["pi4"], "z1": []}
    assert inventory.load(file).nodes["pi4"].user == getpass.getuser()
    assert known.read_text().split() == next(
        line.split()[:3] for line in trusted.splitlines() if str(lab.port("pi4")) in line
    )
    asked = [run.err.index(words) for words in ("Your boards", "Login name there", "pi4 shows this", "z1 shows this")]
    assert asked == sorted(asked)
    assert "SHA256:" in run.err


def test_a_board_is_called_what_it_calls_itself_and_comes_once(newcomer: Farm, lab: Lab, machine_id: None) -> None:
    known = newcomer.home / ".ssh" / "known_hosts"
    known.write_text(known.read_text() + known.read_text().replace("127.0.0.1", "localhost"))
    port = lab.port("pi4")

    run = newcomer("init", f"127.0.0.1:{port}", f"localhost:{port}", "--user", getpass.getuser())

    assert run.code == 0, run.err
    file = newcomer.home / "inventory.yaml"
    assert _platforms(file) == {"pi4": _NATIVE["pi4"]}
    assert "the same machine as pi4" in file.read_text()
    assert "# localhost:" in file.read_text()
