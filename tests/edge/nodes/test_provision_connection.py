"""fabric's connection to a real sshd: the way, the keys and the host key that asyncssh has settled."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.errors import RefusedError, UnreachableError
from farm.inventory import Node
from farm.nodes.ssh.connect import connect
from farm.nodes.ssh.target import Target, resolve, resolve_jump
from farm.provision import connection
from farm.provision.connection import Shell
from tests.edge.nodes import openssh
from tests.edge.nodes.conftest import StartSshd
from tests.edge.nodes.openssh import Sshd
from tests.edge.nodes.waiting import wait_until


def opened(node: Node, *, host_keys: tuple[str, ...] | None = None) -> Shell:
    """As the workflow does it: asyncssh first, then the same way once more."""

    async def settled() -> tuple[list[Target], tuple[str, ...]]:
        session = await connect(node)
        try:
            target = await resolve(node)
            return [*[await resolve_jump(node, jump) for jump in target.jumps], target], session.host_keys
        finally:
            await session.close()

    hops, checked = asyncio.run(settled())
    return connection.connect(hops, host_keys or checked)


def let_in(sshd: Sshd, key: Path) -> None:
    with Path(f"{sshd.user_key}.pub").open("a") as file:
        file.write(f"{openssh.public(key)}\n")


@pytest.fixture
def shell(start_sshd: StartSshd) -> Iterator[Shell]:
    shell = opened(start_sshd(Subsystem="sftp internal-sftp").node())
    yield shell
    shell.close()


def test_a_script_goes_in_and_its_words_and_status_come_out(shell: Shell) -> None:
    done = shell.run("exec sh -s", b"echo out; echo err >&2; exit 3\n", within=10)

    assert (done.stdout, done.stderr, done.exit_status) == ("out\n", "err\n", 3)


@pytest.mark.parametrize("stream", [1, 2], ids=["output", "errors"])
def test_a_shell_that_never_stops_talking(shell: Shell, stream: int) -> None:
    with pytest.raises(UnreachableError, match="printed more than 4 MiB"):
        shell.run(f"yes >&{stream}", b"", within=10)


def test_a_command_that_takes_no_script_and_one_that_says_much(shell: Shell) -> None:
    assert shell.run("true", b"x" * 300_000, within=10).exit_status == 0
    done = shell.run("exec sh -s", b"head -c 3000000 /dev/zero | tr '\\0' x; head -c 400000 /dev/zero >&2\n", within=20)
    assert (len(done.stdout), len(done.stderr)) == (3_000_000, 400_000)


def test_what_is_said_after_the_status(shell: Shell) -> None:
    done = shell.run("exec sh -s", b"(sleep 0.5; echo late) & echo early\n", within=10)
    assert (done.stdout, done.exit_status) == ("early\nlate\n", 0)


def test_what_a_script_leaves_running_is_not_waited_for(shell: Shell) -> None:
    began = time.monotonic()
    assert shell.run("exec sh -s", b"sleep 8 & echo done\n", within=20).stdout == "done\n"
    assert time.monotonic() - began < 6


def test_a_server_that_starts_one_command_at_a_time(start_sshd: StartSshd) -> None:
    shell = opened(start_sshd(MaxSessions="1").node())

    for _ in range(30):
        assert shell.run("true", b"", within=10).exit_status == 0
    shell.close()


def test_a_command_that_does_not_end_is_given_up(shell: Shell) -> None:
    with pytest.raises(UnreachableError, match=r"no end of it within 0.3 s"):
        shell.run("exec sh -s", b"sleep 20\n", within=0.3)


def test_a_connection_that_breaks_is_said_to_be_gone(shell: Shell) -> None:
    with pytest.raises(UnreachableError, match=r"the connection is gone"):
        shell.run("exec sh -s", b"kill $PPID; sleep 20\n", within=20)


def test_another_host_key_than_the_one_that_was_checked_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    other = openssh.public(openssh.keygen(tmp_path / "other"))

    with pytest.raises(RefusedError, match="it shows another host key than a moment ago"):
        opened(sshd.node(), host_keys=(" ".join(other.split()[:2]),))


def test_a_host_key_of_the_kind_that_is_known_is_asked_for(start_sshd: StartSshd, tmp_path: Path) -> None:
    ecdsa = openssh.keygen(tmp_path / "ecdsa", "-t", "ecdsa")
    sshd = start_sshd(HostKey=str(ecdsa))
    sshd.known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {openssh.public(ecdsa)}\n")

    opened(sshd.node()).close()


def test_a_host_that_an_authority_vouches_for(start_sshd: StartSshd, tmp_path: Path) -> None:
    authority, key = openssh.keygen(tmp_path / "ca"), openssh.keygen(tmp_path / "host")
    subprocess.run(
        ["ssh-keygen", "-q", "-s", authority, "-I", "pi4", "-h", "-n", "127.0.0.1", f"{key}.pub"], check=True
    )
    sshd = start_sshd(HostKey=str(key), HostCertificate=f"{key}-cert.pub")
    sshd.known_hosts.write_text(f"@cert-authority [127.0.0.1]:{sshd.port} {openssh.public(authority)}\n")

    opened(sshd.node()).close()


def test_a_key_with_a_passphrase_is_the_agents_to_use(sshd: Sshd, tmp_path: Path) -> None:
    key = openssh.keygen(tmp_path / "guarded", passphrase="secret")
    let_in(sshd, key)
    ask = tmp_path / "ask"
    ask.write_text("#!/bin/sh\necho secret\n")
    ask.chmod(0o700)
    socket = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    try:
        wait_until(socket.exists)
        environment = {**os.environ, "SSH_AUTH_SOCK": str(socket), "SSH_ASKPASS": str(ask)}
        environment["SSH_ASKPASS_REQUIRE"] = "force"
        subprocess.run(["ssh-add", "-q", key], check=True, env=environment)
        # Not in the environment: ~/.ssh/config may name another agent.
        Path("~/.ssh/config").expanduser().write_text(f"IdentityAgent {socket}\n")

        opened(sshd.node(key=key)).close()
    finally:
        agent.terminate()
        agent.wait()


def test_through_a_jump_host_and_through_a_command(start_sshd: StartSshd) -> None:
    jump, target = start_sshd(), start_sshd()
    jump.known_hosts.write_text(jump.known_hosts.read_text() + target.known_hosts.read_text())
    through = target.node(known_hosts=jump.known_hosts, jump=f"127.0.0.1:{jump.port}", key=target.user_key)
    let_in(jump, target.user_key)

    opened(through).close()


def test_through_a_command_of_the_ssh_configuration(start_sshd: StartSshd) -> None:
    jump, target = start_sshd(), start_sshd()
    options = f"-F none -i {jump.user_key} -o UserKnownHostsFile={jump.known_hosts} -p {jump.port}"
    Path("~/.ssh/config").expanduser().write_text(f"Host 127.0.0.1\n ProxyCommand ssh {options} 127.0.0.1 -W %h:%p\n")

    shell = opened(target.node())

    assert jump.connections()
    shell.close()


def test_a_file_arrives_and_a_half_of_it_is_gone_on_with(shell: Shell, tmp_path: Path) -> None:
    source, target = tmp_path / "program", tmp_path / "mine" / "program-1"
    source.write_bytes(os.urandom(3_000_000))
    target.parent.mkdir(mode=0o700)
    target.write_bytes(source.read_bytes()[:2_000_000])
    heard: list[tuple[int, int]] = []

    shell.put(source, str(target), lambda done, total: heard.append((done, total)))

    assert hashlib.sha256(target.read_bytes()).digest() == hashlib.sha256(source.read_bytes()).digest()
    assert heard[0][0] > 2_000_000
    assert heard[-1] == (3_000_000, 3_000_000)


def test_a_folder_that_others_may_write_to_is_not_used(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "program").write_bytes(b"x")
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "link").symlink_to(tmp_path / "open")

    for folder in ("open", "link"):
        with pytest.raises(UnreachableError, match="is not this user's alone"):
            shell.put(tmp_path / "program", str(tmp_path / folder / "program"), lambda done, total: None)
    shell.put(tmp_path / "program", str(tmp_path / "new" / "program"), lambda done, total: None)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_a_server_without_sftp_says_so(start_sshd: StartSshd, tmp_path: Path) -> None:
    shell = opened(start_sshd(Subsystem="sftp /bin/false").node())
    (tmp_path / "program").write_bytes(b"x")

    with pytest.raises(RefusedError, match="its SSH server has no SFTP"):
        shell.put(tmp_path / "program", str(tmp_path / "new" / "program"), lambda done, total: None)
    shell.close()
