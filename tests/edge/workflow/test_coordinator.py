"""What the doctor sees of this machine: real folders, locks, sockets, buildx and a registry with a login."""

from __future__ import annotations

import base64
import json
import os
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.build import locate
from farm.doctor.coordinator import Coordinator
from farm.inventory import Inventory, Node, Registry
from farm.workflow import coordinator, lock
from farm.workflow.run import state_home
from tests.edge.registry import docker_registry

NODES = {"pi4": Node(name="pi4", host="pi4.lan"), "here": Node(name="here", engine="local")}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, without an agent."""
    (tmp_path / ".ssh").mkdir()
    for name, value in {
        "HOME": tmp_path,
        "XDG_STATE_HOME": tmp_path / "state",
        "XDG_RUNTIME_DIR": tmp_path,
        "DOCKER_CONFIG": tmp_path / ".docker",
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path


async def look(folder: Path, **registries: Registry) -> Coordinator:
    named = {name.replace("_", ":"): registry for name, registry in registries.items()}
    inventory = Inventory(nodes=NODES, registries=named, source="test")
    return await coordinator.look(inventory, NODES, buildx=coordinator.buildx(inventory, folder), folder=folder)


async def test_a_machine_on_which_all_is_well(home: Path) -> None:
    found = await look(home)

    assert found.buildx == locate.buildx().argv[0]
    assert found.buildx_version
    assert found.buildx_version.lstrip("v")[0].isdigit()
    assert found.has_git
    assert found.agent is None
    assert [(folder.variable, folder.problem) for folder in found.folders] == [
        ("XDG_STATE_HOME", None),
        ("XDG_RUNTIME_DIR", None),
    ]
    assert all(folder.free for folder in found.folders)
    # The default file is not there yet: the nodes will say so, each for its own key.
    assert [(file.path, file.nodes, file.problem) for file in found.known_hosts] == [
        (f"{home}/.ssh/known_hosts", ("pi4",), None)
    ]
    assert found.locks == ()
    assert found.open_files == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert not state_home().exists()  # nothing is made by looking


async def test_what_cannot_be_read_or_written(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".ssh" / "known_hosts").mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/no/such")

    found = await look(home)

    assert found.known_hosts[0].problem == "it cannot be read: Is a directory"
    assert found.folders[0].problem is not None


async def test_an_agent_that_is_there_and_one_that_has_gone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(home / "agent"))
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(home / "agent"))
        agent.listen()
        assert (await look(home)).agent is True
    assert (await look(home)).agent is False


async def test_an_image_that_a_run_has_locked(home: Path) -> None:
    locks = state_home() / "locks"
    async with lock.held(["reg.lan/app:1"], directory=locks, run="r1", wait=None, emit=lambda _event: None):
        (locks / "left-by-a-killed-run-0123456789abcdef.lock").write_text("{}")
        (held,) = (await look(home)).locks
    assert (held.image, held.pid) == ("reg.lan_app_1", os.getpid())
    assert "run r1" in held.holder
    assert 0 <= held.seconds < 60
    assert (await look(home)).locks == ()


@pytest.fixture
def private(tmp_path: Path) -> Iterator[docker_registry.Registry]:
    """Nobody is let in, but whoever comes is asked who he is."""
    directory = tmp_path / "registry"
    directory.mkdir()
    (directory / "htpasswd").write_text("")
    running = docker_registry.start(directory, auth=f"{{htpasswd: {{realm: home, path: '{directory}/htpasswd'}}}}")
    yield running
    running.stop()


async def test_a_registry_that_wants_a_login(home: Path, private: docker_registry.Registry) -> None:
    entry = {private.domain.replace(":", "_"): Registry(http=True)}

    (before,) = (await look(home, **entry)).registries
    (home / ".docker").mkdir()
    auths = {private.domain: {"auth": base64.b64encode(b"me:s3cret").decode()}}
    (home / ".docker" / "config.json").write_text(json.dumps({"auths": auths}))
    (after,) = (await look(home, **entry)).registries

    assert (before.error, before.asks, before.is_known) == (None, True, False)
    assert (after.error, after.asks, after.is_known) == (None, True, True)


async def test_a_registry_behind_a_mirror_is_not_asked_itself(home: Path) -> None:
    (hub,) = (await look(home, **{"no-such-registry.invalid": Registry(mirrors=("mirror.lan",))})).registries
    assert (hub.error, hub.is_pushed_to) == (None, False)
