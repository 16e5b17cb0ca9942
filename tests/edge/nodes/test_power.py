"""The coordinator's side of power: what goes out on the network, and the commands of the inventory."""

from __future__ import annotations

import asyncio
import os
import shlex
import socket
import time
from pathlib import Path

import pytest

from farm.inventory import Node, Power
from farm.nodes import lease, power
from farm.nodes.power import PowerError
from farm.nodes.ssh.connect import connect
from tests.edge.nodes.conftest import StartSshd
from tests.edge.nodes.waiting import wait_until

SECRET = "token-5f1c"


def _node(**settings: object) -> Node:
    return Node(name="pi4", host="pi4.lan", power=Power(**settings))  # type: ignore[arg-type] # differs from test to test


def _script(*lines: str) -> tuple[str, ...]:
    return ("sh", "-c", "\n".join(lines), SECRET)


async def test_the_magic_packet_is_what_a_network_card_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)
        monkeypatch.setattr(power, "WAKE_PORT", listener.getsockname()[1])
        await power.send_magic_packet(_node(mac="DC-A6-32-01-02-03", broadcast="127.0.0.1"))
        received = await asyncio.to_thread(listener.recv, 2048)
    # Six times 0xff, then the address sixteen times (AMD, Magic Packet Technology, publication 20213).
    assert received == b"\xff" * 6 + bytes.fromhex("dca632010203") * 16


async def test_a_packet_that_cannot_be_sent() -> None:
    with pytest.raises(PowerError, match=r"pi4: no magic packet can be sent to no-such-name\.invalid") as caught:
        await power.wake(_node(mac="dc:a6:32:01:02:03", broadcast="no-such-name.invalid"), Path("unused"))
    assert "broadcast" in str(caught.value.fix)


async def test_what_a_command_prints_is_in_the_log_and_its_arguments_are_nowhere(tmp_path: Path) -> None:
    log = tmp_path / "power.log"
    node = _node(wake=_script("echo on", "echo careful >&2"), cycle=_script("echo cycled"))
    await power.wake(node, log)
    await power.run(node, "cycle", log)
    text = log.read_text()
    assert [line for line in text.splitlines() if not line.startswith("-- ")] == ["on", "careful", "cycled"]
    assert [line.split(",")[0] for line in text.splitlines() if line.startswith("-- ")] == ["-- wake", "-- cycle"]
    assert SECRET not in text
    assert log.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        pytest.param(_script("exit 3"), "pi4: its `off` command failed with status 3", id="status"),
        pytest.param(_script("kill -9 $$"), "pi4: its `off` command was ended by signal 9", id="signal"),
        pytest.param(("no-such-program", SECRET), "pi4: its `off` command cannot be started: No such file", id="none"),
        pytest.param(("/dev/null", SECRET), "cannot be started: Permission denied", id="no program"),
    ],
)
async def test_a_command_that_fails(tmp_path: Path, argv: tuple[str, ...], words: str) -> None:
    with pytest.raises(PowerError) as caught:
        await power.run(_node(off=argv), "off", tmp_path / "log")
    assert words in caught.value.what
    assert caught.value.fix
    assert SECRET not in f"{caught.value.what}{caught.value.fix}{caught.value.details}{caught.value.__cause__}"


async def test_no_shell_reads_the_arguments(tmp_path: Path) -> None:
    owned = tmp_path / "owned"
    await power.run(_node(off=("echo", f"$(touch {owned})", ";", "touch", str(owned))), "off", tmp_path / "log")
    assert not owned.exists()
    assert f"$(touch {owned})" in (tmp_path / "log").read_text()


async def test_a_command_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    hangs = _script(f"sleep 600 & echo $$ $! >{shlex.quote(str(pids))}", "wait")
    began = time.monotonic()
    with pytest.raises(PowerError, match=r"did not end within 0\.5 s and was ended"):
        await power.run(_node(cycle=hangs, command_within=0.5), "cycle", tmp_path / "log")
    assert time.monotonic() - began < 3
    for pid in pids.read_text().split():
        wait_until(lambda pid=pid: not _runs(int(pid)))  # type: ignore[misc] # mypy cannot infer a default's type


async def test_what_a_command_leaves_in_the_background_stays(tmp_path: Path) -> None:
    """A stand-in for a board's power starts the board; and its output is not waited for."""
    pid_file = tmp_path / "pid"
    began = time.monotonic()
    await power.run(_node(wake=_script(f"sleep 60 & echo $! >{pid_file}")), "wake", tmp_path / "log")
    assert time.monotonic() - began < 5
    pid = int(pid_file.read_text())
    assert _runs(pid)
    os.kill(pid, 9)


async def test_a_command_that_is_left_running_has_its_limit_too(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    node = _node(off=_script(f"echo $$ >{pid_file}", "echo off", "exec sleep 600"), command_within=1.0)
    power.leave_running(node, "off", tmp_path / "log")
    wait_until(pid_file.exists)
    wait_until(lambda: pid_file.read_text().endswith("\n"))
    pid = int(pid_file.read_text())
    assert _runs(pid)
    wait_until(lambda: not _runs(pid), seconds=5)
    assert "off" in (tmp_path / "log").read_text().splitlines()


async def test_a_node_in_use_says_so(start_sshd: StartSshd) -> None:
    node = start_sshd().node(slots=2)
    mine, other = await connect(node), await connect(node)
    try:
        assert await power.in_use(mine, timeout=5) is None
        held = await lease.lease(other, node, holder="run of somebody else", wait=None, emit=lambda _event: None)
        assert held.slot is not None
        assert await power.in_use(mine, timeout=5) == "another build runs there"
        await held.close()
        async with asyncio.timeout(5):
            while await power.in_use(mine, timeout=5) is not None:  # noqa: ASYNC110 - a node tells nobody
                await asyncio.sleep(0.05)
    finally:
        await mine.close()
        await other.close()


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
