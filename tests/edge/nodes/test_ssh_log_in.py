"""Logging in to a real OpenSSH server: with which keys, and what is said when it does not work."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.errors import RefusedError, UnreachableError, UsageError
from farm.inventory import Node
from farm.nodes.ssh.connect import connect
from tests.edge.nodes.conftest import StartSshd
from tests.edge.nodes.openssh import Sshd, free_port, keygen
from tests.edge.nodes.serving import serving
from tests.edge.nodes.waiting import listens_at, wait_until


async def logs_in(node: Node) -> bool:
    session = await connect(node)
    done = await session.run("echo hello", timeout=5)
    await session.close()
    return done.stdout == "hello\n"


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A real ssh-agent; fill it with ssh-add."""
    socket_path = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", socket_path], stdout=subprocess.DEVNULL)
    wait_until(lambda: listens_at(socket_path))  # its file is there a moment before it listens
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket_path))
    yield socket_path
    process.terminate()
    process.wait()


def add_to_agent(*keys: Path, passphrase: str = "") -> None:
    ask = keys[0].with_name("askpass")
    ask.write_text(f"#!/bin/sh\necho {passphrase}\n")
    ask.chmod(0o700)
    environment = {**os.environ, "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"}
    subprocess.run(["ssh-add", "-q", *keys], check=True, env=environment, stdin=subprocess.DEVNULL)


async def test_the_inventorys_key_lets_in(sshd: Sshd) -> None:
    assert await logs_in(sshd.node())


async def test_a_key_from_the_agent_lets_in(sshd: Sshd, agent: Path) -> None:
    add_to_agent(sshd.user_key)
    assert await logs_in(sshd.node(key=None))


async def test_a_default_key_lets_in(sshd: Sshd, home: Path) -> None:
    (home / ".ssh" / "id_ed25519").write_bytes(sshd.user_key.read_bytes())
    assert await logs_in(sshd.node(key=None))


async def test_a_dead_agent_does_not_stop_a_key_file(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/nowhere/agent")
    assert await logs_in(sshd.node())


async def test_the_named_key_is_offered_even_with_an_agent_full_of_others(
    sshd: Sshd, agent: Path, tmp_path: Path
) -> None:
    add_to_agent(*(keygen(tmp_path / f"other{number}") for number in range(8)))
    assert await logs_in(sshd.node())


async def test_a_locked_key_is_used_through_the_agent(start_sshd: StartSshd, agent: Path, tmp_path: Path) -> None:
    locked = keygen(tmp_path / "locked", passphrase="secret")
    sshd = start_sshd(AuthorizedKeysFile=f"{locked}.pub")
    add_to_agent(locked, passphrase="secret")
    assert await logs_in(sshd.node(key=locked))
    assert await logs_in(sshd.node(key=Path(f"{locked}.pub")))


@pytest.mark.parametrize("form", [["-t", "ed25519"], ["-t", "rsa", "-m", "PEM"]], ids=["openssh format", "pem format"])
async def test_a_locked_key_without_an_agent_is_one_clear_error(sshd: Sshd, tmp_path: Path, form: list[str]) -> None:
    locked = keygen(tmp_path / "locked", *form, passphrase="secret")
    with pytest.raises(RefusedError) as refused:
        await connect(sshd.node(key=locked))
    assert refused.value.what == (
        f"pi4 (127.0.0.1:{sshd.port}): the key {locked} is protected by a passphrase and no ssh-agent holds it"
    )
    assert refused.value.fix == f"load it into the agent (ssh-add {locked}), or name another private key (`key:`)"


async def test_a_missing_key_file(sshd: Sshd) -> None:
    with pytest.raises(RefusedError) as refused:
        await connect(sshd.node(key=Path("/nowhere/id")))
    assert refused.value.what == f"pi4 (127.0.0.1:{sshd.port}): the key file /nowhere/id is not there"
    assert refused.value.fix == "correct `key:` of this node in the inventory"


async def test_a_directory_as_key_file(sshd: Sshd, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="cannot be read: Is a directory"):
        await connect(sshd.node(key=tmp_path))


async def test_a_public_key_file(sshd: Sshd) -> None:
    with pytest.raises(RefusedError) as refused:
        await connect(sshd.node(key=Path(f"{sshd.user_key}.pub")))
    assert refused.value.what.endswith(f"{sshd.user_key}.pub is a public key and no ssh-agent holds its private half")
    assert refused.value.fix == f"name the private key, {sshd.user_key}, or load it: ssh-add {sshd.user_key}"


async def test_a_file_that_is_no_key(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("not a key\n")
    with pytest.raises(RefusedError, match="note is not an SSH private key"):
        await connect(sshd.node(key=tmp_path / "note"))


async def test_a_key_that_the_server_does_not_know(sshd: Sshd, tmp_path: Path) -> None:
    other = keygen(tmp_path / "other")
    with pytest.raises(RefusedError) as refused:
        await connect(sshd.node(key=other, user="nobody"))
    assert refused.value.what == (
        f"pi4 (127.0.0.1:{sshd.port}): the server accepts none of farm's keys for the user nobody"
    )
    assert refused.value.fix == f"let the key in on the node: ssh-copy-id -i {other} -p {sshd.port} nobody@127.0.0.1"


async def test_no_key_at_all(sshd: Sshd, home: Path) -> None:
    keygen(home / ".ssh" / "id_ed25519", passphrase="secret")
    with pytest.raises(RefusedError) as refused:
        await connect(sshd.node(key=None))
    assert "there is no key to log in with" in refused.value.what
    assert refused.value.fix == "name a key (`key:`) or load one into ssh-agent"
    assert "protected by a passphrase" in refused.value.details[0]


async def test_too_many_keys_in_the_agent(sshd: Sshd, agent: Path, tmp_path: Path) -> None:
    add_to_agent(*(keygen(tmp_path / f"other{number}") for number in range(8)))
    with pytest.raises(RefusedError) as refused:
        await connect(sshd.node(key=None))
    assert refused.value.what.endswith("the server gave up after too many keys (8 offered)")
    assert refused.value.fix == "name the right key (`key:`), so that no other is tried"


async def test_passwords_are_neither_asked_for_nor_tried(start_sshd: StartSshd) -> None:
    sshd = start_sshd(PasswordAuthentication="yes", PubkeyAuthentication="no", KbdInteractiveAuthentication="yes")
    with pytest.raises(RefusedError, match="accepts none of farm's keys"):
        await connect(sshd.node())
    assert "Failed password" not in (sshd.directory / "log").read_text()


async def test_nobody_listens(sshd: Sshd) -> None:
    port = free_port()
    with pytest.raises(UnreachableError) as failed:
        await connect(sshd.node(port=port))
    assert failed.value.what == f"pi4 (127.0.0.1:{port}): connection refused: no SSH server listens there"
    assert failed.value.fix == "start sshd on the node or correct `port:`"


async def test_an_unknown_name(sshd: Sshd) -> None:
    with pytest.raises(UnreachableError) as failed:
        await connect(sshd.node(host="no-such-board.invalid"))
    assert failed.value.what.endswith("the name no-such-board.invalid cannot be resolved")


async def test_a_host_that_takes_the_connection_and_says_nothing(sshd: Sshd) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        with pytest.raises(UnreachableError) as failed:
            await connect(sshd.node(port=silent.getsockname()[1]), connect_timeout=0.5)
        assert time.monotonic() - began < 1
    assert failed.value.what.endswith("no SSH connection within 0.5 s")


async def test_something_that_is_not_ssh(sshd: Sshd) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    async with serving(speak) as port:
        with pytest.raises(UnreachableError, match="the connection broke before the log-in was done"):
            await connect(sshd.node(port=port))


async def test_a_server_that_is_full(start_sshd: StartSshd) -> None:
    """MaxStartups drops a connection before the first word; that passes, so it is worth another try."""
    sshd = start_sshd(MaxStartups="1", LoginGraceTime="30")
    with take_the_only_place(sshd), pytest.raises(UnreachableError, match="broke before the log-in was done"):
        await connect(sshd.node())


def take_the_only_place(sshd: Sshd) -> socket.socket:
    """Whoever looked if the server was up may hold it for a moment more."""
    while True:
        held = socket.create_connection(("127.0.0.1", sshd.port))
        if held.recv(64).startswith(b"SSH-2.0"):
            return held
        held.close()


async def test_settings_that_make_no_sense(sshd: Sshd, home: Path) -> None:
    (home / ".ssh" / "config").write_text("Port many\n")
    with pytest.raises(UsageError) as refused:
        await connect(sshd.node())
    assert refused.value.what.startswith("pi4: ~/.ssh/config cannot be used: ")
    assert "line 1" in refused.value.what


async def test_a_cancelled_attempt_leaves_nothing_open(sshd: Sshd) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        attempt = asyncio.create_task(connect(sshd.node(port=silent.getsockname()[1])))
        await asyncio.sleep(0.2)
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        peer, _ = silent.accept()
        peer.settimeout(2)
        while peer.recv(4096):
            pass
        peer.close()
