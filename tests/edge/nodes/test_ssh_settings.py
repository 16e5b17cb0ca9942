"""~/.ssh/config is honoured, and the inventory wins over it; jump hosts are checked like any other."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from farm.errors import RefusedError, UnreachableError
from farm.inventory import Node
from farm.nodes import trust
from farm.nodes.ssh.connect import connect
from farm.nodes.ssh.target import resolve
from tests.edge.nodes.conftest import StartSshd
from tests.edge.nodes.openssh import Sshd, free_port, keygen, public


def configure(home: Path, text: str) -> None:
    (home / ".ssh" / "config").write_text(text)


async def test_everything_from_ssh_config(sshd: Sshd, home: Path) -> None:
    configure(
        home,
        f"""
        Host *.lan
          HostName 127.0.0.1
          Port {sshd.port}
          User {getpass.getuser()}
          IdentityFile {sshd.user_key}
          IdentityFile ~/.ssh/absent
          IdentitiesOnly yes
          UserKnownHostsFile {sshd.known_hosts}
        """,
    )
    session = await connect(Node(name="pi4", host="pi4.lan"))
    assert session.node == "pi4"
    await session.close()


async def test_a_node_without_host_is_looked_up_by_its_name(home: Path) -> None:
    configure(home, "Host pi4\n  HostName 192.0.2.4\n  Port 2222\n  HostKeyAlias board\n")
    target = await resolve(Node(name="pi4"))
    assert (target.host, target.port, target.known_hosts_name) == ("192.0.2.4", 2222, "[board]:2222")


async def test_the_inventory_wins(sshd: Sshd, home: Path) -> None:
    configure(
        home,
        "Host 127.0.0.1\n  Port 1\n  User nobody\n  IdentityFile ~/.ssh/absent\n  UserKnownHostsFile ~/.ssh/absent\n",
    )
    await (await connect(sshd.node())).close()


async def test_match_blocks_and_included_files(sshd: Sshd, home: Path) -> None:
    configure(home, "Include more\nMatch host board\n  HostName 127.0.0.1\n")
    (home / ".ssh" / "more").write_text(f"Host board\n  Port {sshd.port}\n")
    await (await connect(sshd.node(host="board", port=None, known_hosts=_alias(sshd, home)))).close()


def _alias(sshd: Sshd, home: Path) -> Path:
    file = home / "known"
    file.write_text(f"[127.0.0.1]:{sshd.port} {public(sshd.host_key)}\n")
    return file


async def test_a_proxy_command(sshd: Sshd, home: Path) -> None:
    configure(
        home, f"Host 127.0.0.1\n  ProxyCommand /bin/bash -c 'exec 3<>/dev/tcp/%h/{sshd.port}; cat <&3 & cat >&3'\n"
    )
    await (await connect(sshd.node())).close()


@pytest.fixture
def gate(start_sshd: StartSshd) -> Sshd:
    return start_sshd()


def behind(sshd: Sshd, gate: Sshd, home: Path) -> Path:
    """One known_hosts file for both, and the gate's own key in ~/.ssh/config."""
    file = home / "known"
    file.write_text(sshd.known_hosts.read_text() + gate.known_hosts.read_text())
    configure(home, f'Match host 127.0.0.1 exec "true"\nHost 127.0.0.1\n  IdentityFile {gate.user_key}\n')
    return file


async def test_a_jump_host_of_the_inventory(sshd: Sshd, gate: Sshd, home: Path) -> None:
    node = sshd.node(jump=f"{getpass.getuser()}@127.0.0.1:{gate.port}", known_hosts=behind(sshd, gate, home))
    session = await connect(node)
    assert (await session.run("echo hello", timeout=5)).stdout == "hello\n"
    assert gate.connections()  # it really went that way
    await session.close()


async def test_a_jump_host_of_ssh_config(sshd: Sshd, gate: Sshd, home: Path) -> None:
    file = behind(sshd, gate, home)
    configure(
        home,
        f"Host board\n  HostName 127.0.0.1\n  ProxyJump gate\n"
        f"Host gate\n  HostName 127.0.0.1\n  Port {gate.port}\n  IdentityFile {gate.user_key}\n",
    )
    session = await connect(sshd.node(host="board", known_hosts=file))
    assert gate.connections()
    await session.close()


async def test_two_jumps(sshd: Sshd, gate: Sshd, start_sshd: StartSshd, home: Path) -> None:
    second = start_sshd(AuthorizedKeysFile=f"{gate.user_key}.pub")
    file = behind(sshd, gate, home)
    file.write_text(file.read_text() + second.known_hosts.read_text())
    node = sshd.node(jump=f"127.0.0.1:{gate.port},127.0.0.1:{second.port}", known_hosts=file)
    session = await connect(node)
    assert gate.connections()
    assert second.connections()
    await session.close()


async def test_an_unknown_jump_host_is_refused(sshd: Sshd, gate: Sshd, home: Path) -> None:
    behind(sshd, gate, home)
    with pytest.raises(RefusedError) as refused:
        await connect(sshd.node(jump=f"127.0.0.1:{gate.port}"))
    assert refused.value.what.startswith(f"pi4: jump host 127.0.0.1:{gate.port}: the host key is unknown")
    assert refused.value.fix is not None
    assert refused.value.fix.startswith("add it with: ssh -o UserKnownHostsFile=")


async def test_ssh_config_cannot_switch_the_check_of_a_jump_host_off(sshd: Sshd, gate: Sshd, home: Path) -> None:
    behind(sshd, gate, home)
    configure(home, f"Host 127.0.0.1\n  IdentityFile {gate.user_key}\n  UserKnownHostsFile /dev/null\n")
    with pytest.raises(Exception, match="switches the check of host keys off") as refused:
        await connect(sshd.node(jump=f"127.0.0.1:{gate.port}"))
    assert getattr(refused.value, "exit_code", None) == 2


async def test_a_node_that_the_jump_host_cannot_reach(sshd: Sshd, gate: Sshd, home: Path) -> None:
    port = free_port()
    node = sshd.node(port=port, jump=f"127.0.0.1:{gate.port}", known_hosts=behind(sshd, gate, home))
    with pytest.raises(UnreachableError) as failed:
        await connect(node)
    assert failed.value.what.startswith(f"pi4 (127.0.0.1:{port}): the jump host cannot reach it")


async def test_the_host_key_of_a_node_behind_a_jump_host(sshd: Sshd, gate: Sshd, home: Path) -> None:
    node = sshd.node(jump=f"127.0.0.1:{gate.port}", known_hosts=behind(sshd, gate, home))
    assert (await trust.host_key(node)).line == f"[127.0.0.1]:{sshd.port} {public(sshd.host_key)}"


async def test_a_key_of_the_users_certificate(start_sshd: StartSshd, tmp_path: Path) -> None:
    import asyncio

    authority, key = keygen(tmp_path / "authority"), keygen(tmp_path / "mine")
    sign = ["ssh-keygen", "-q", "-s", str(authority), "-I", "me", "-n", getpass.getuser(), f"{key}.pub"]
    await (await asyncio.create_subprocess_exec(*sign)).wait()
    sshd = start_sshd(TrustedUserCAKeys=f"{authority}.pub", AuthorizedKeysFile="none")
    await (await connect(sshd.node(key=key))).close()
