"""Accounts and boards as people have them: the whole way from the log-in to a BuildKit that answers."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.errors import RefusedError, UnreachableError
from farm.inventory import Node
from farm.nodes import power
from farm.nodes.engine import liveness
from farm.nodes.engine.choose import choose
from farm.nodes.engine.endpoint import open_endpoint
from farm.nodes.lease import lease
from farm.nodes.reach import reach
from tests.edge.nodes import board
from tests.edge.nodes.conftest import StartBoard, StartSshd
from tests.edge.nodes.openssh import Sshd, public

# What a start-up file may print, before and after, on both streams.
_TALKS = 'echo "+---- Welcome to pi4! ----+"; echo 3 updates wait >&2; sh -c "$SSH_ORIGINAL_COMMAND"; echo Bye'


async def _builds(node: Node, directory: Path) -> None:
    """Hold that farm reaches the node, learns what it is, leases its slot and speaks with its BuildKit."""
    found = await reach(node)
    assert found.session is not None
    try:
        assert found.facts.native
        assert choose(node, found.facts).engine.socket == node.socket
        held = await lease(found.session, node, holder="a test", wait=None, emit=lambda _event: None)
        assert (held.slot, held.problem) == (0, None)
        assert await power.in_use(found.session, timeout=5) == "another build runs there"
        endpoint = await open_endpoint(node, found.facts, found.session, directory)
        assert await liveness.alive(endpoint.socket, 5)
        await endpoint.close()
        await held.close()
    finally:
        await found.session.close()


@pytest.mark.parametrize("login", ["dash", "bash", "fish", "csh"])
async def test_any_login_shell(start_sshd: StartSshd, buildkitd: Path, short: Path, login: str) -> None:
    """As sshd calls a login shell, which it takes from /etc/passwd."""
    sshd = start_sshd(ForceCommand=f'exec {board.found(login)} -c "$SSH_ORIGINAL_COMMAND"')
    await _builds(sshd.node(socket=str(buildkitd)), short)


async def test_a_login_shell_that_talks(start_sshd: StartSshd, buildkitd: Path, short: Path) -> None:
    await _builds(start_sshd(ForceCommand=_TALKS).node(socket=str(buildkitd)), short)


async def test_nologin(start_sshd: StartSshd) -> None:
    sshd = start_sshd(ForceCommand=board.found("nologin"))
    with pytest.raises(
        UnreachableError, match="the node did not say what it is: it answered 'This account is"
    ) as failed:
        await reach(sshd.node())
    assert "the account needs a shell" in str(failed.value.fix)


async def test_a_home_that_cannot_be_written_to(start_sshd: StartSshd, buildkitd: Path, short: Path) -> None:
    """An overlay root file system in read-only mode, as people protect SD cards."""
    await _builds(start_sshd(SetEnv="HOME=/sys").node(socket=str(buildkitd)), short)


async def test_a_home_that_is_not_there(start_sshd: StartSshd, buildkitd: Path, short: Path) -> None:
    await _builds(start_sshd(SetEnv="HOME=/nowhere").node(socket=str(buildkitd)), short)


@pytest.fixture
def german(tmp_path: Path) -> Path:
    """A folder with the German locale, which need not be installed here."""
    made = tmp_path / "locales"
    made.mkdir()
    subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", made / "de_DE.UTF-8"], check=True)
    return made


async def test_a_language_that_is_not_english(
    start_sshd: StartSshd, buildkitd: Path, short: Path, german: Path
) -> None:
    sshd = start_sshd(SetEnv=f"LOCPATH={german} LC_ALL=de_DE.UTF-8 LANG=de_DE.UTF-8 LANGUAGE=de:tr")
    await _builds(sshd.node(socket=str(buildkitd)), short)


async def test_a_board_without_python(start_board: StartBoard) -> None:
    """Nor with anything else but a shell and what a lease needs."""
    pi4 = start_board(shell="busybox")
    found = await reach(pi4.sshd.node())
    assert found.session is not None
    try:
        assert (await found.session.run("python3 --version", timeout=5)).exit_status == 127
        assert found.facts.native
        held = await lease(found.session, pi4.sshd.node(), holder="a test", wait=None, emit=lambda _event: None)
        assert held.slot == 0
        await held.close()
    finally:
        await found.session.close()


async def test_a_user_without_any_right(start_board: StartBoard) -> None:
    """No sudo, and not in the group of the engine's socket: what is missing is said, with the command that gives it."""
    pi4 = start_board()
    node = pi4.sshd.node(user="nobody", socket="/tmp/buildkitd.sock")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(pi4.tmp / "buildkitd.sock"))
        (pi4.tmp / "buildkitd.sock").chmod(0o660)
        found = await reach(node)
    assert found.session is not None
    await found.session.close()
    with pytest.raises(
        RefusedError, match=r"pi4: BuildKit cannot be used at /tmp/buildkitd.sock: nobody may not use it"
    ) as no:
        choose(node, found.facts)
    assert "add nobody to it" in str(no.value.fix)


def _by(host: str, sshd: Sshd, **changes: object) -> Node:
    """The server as a node by this address of IPv6, with its key known under that."""
    with sshd.known_hosts.open("a") as known:
        known.write(f"[{host}]:{sshd.port} {public(sshd.host_key)}\n")
    return sshd.node(host=host, **changes)


def _also_at(address: str) -> dict[str, str]:
    return {"AddressFamily": "any", "ListenAddress": f"127.0.0.1\nListenAddress {address}"}


async def test_an_address_of_ipv6(start_sshd: StartSshd, buildkitd: Path, short: Path) -> None:
    await _builds(_by("::1", start_sshd(**_also_at("::1")), socket=str(buildkitd)), short)


async def test_an_address_of_ipv6_behind_a_jump_host(start_sshd: StartSshd, buildkitd: Path, short: Path) -> None:
    sshd = start_sshd(**_also_at("::1"))
    gate = start_sshd(**_also_at("::1"), AuthorizedKeysFile=f"{sshd.user_key}.pub")
    node = _by("::1", sshd, jump=f"[::1]:{gate.port}", socket=str(buildkitd))
    with sshd.known_hosts.open("a") as known:
        known.write(f"[::1]:{gate.port} {public(gate.host_key)}\n")
    await _builds(node, short)


@pytest.fixture
def link_local() -> Iterator[str]:
    """An address of this machine that means something on one of its links alone, with that link."""
    address = ["fe80::77/64", "dev", "lo"]
    subprocess.run(["ip", "address", "replace", *address, "nodad"], check=True)
    yield "fe80::77%lo"
    subprocess.run(["ip", "address", "delete", *address], check=True)


async def test_an_address_of_one_link(start_sshd: StartSshd, buildkitd: Path, short: Path, link_local: str) -> None:
    await _builds(_by(link_local, start_sshd(**_also_at(link_local)), socket=str(buildkitd)), short)


async def test_an_address_of_one_link_without_the_link(start_sshd: StartSshd, link_local: str) -> None:
    with pytest.raises(UnreachableError, match=r"\[fe80::77\]:\d+\)") as failed:
        await reach(_by("fe80::77", start_sshd(**_also_at(link_local))))
    assert "it is not said on which" in failed.value.what
    assert "fe80::77%eth0" in str(failed.value.fix)
