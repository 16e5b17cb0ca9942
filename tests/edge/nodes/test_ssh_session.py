"""Commands over one connection to a real OpenSSH server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from farm.errors import RefusedError, UnreachableError
from farm.nodes.ssh.connect import connect
from farm.nodes.ssh.session import Session
from tests.edge.nodes.conftest import StartSshd
from tests.edge.nodes.openssh import Sshd
from tests.edge.nodes.waiting import eventually


@pytest.fixture
async def session(sshd: Sshd) -> AsyncIterator[Session]:
    opened = await connect(sshd.node())
    yield opened
    await opened.close()


@pytest.mark.parametrize("status", [0, 1, 77, 255])
async def test_the_exit_status_comes_back(session: Session, status: int) -> None:
    done = await session.run(f"echo out; echo err >&2; exit {status}", timeout=5)
    assert (done.stdout, done.stderr, done.exit_status) == ("out\n", "err\n", status)


async def test_a_command_that_a_signal_kills(session: Session) -> None:
    assert (await session.run("kill -9 $$", timeout=5)).exit_status == -9


async def test_input_reaches_the_command(session: Session) -> None:
    data = b"line\n" * 100_000
    assert (await session.run("wc -c", input=data, timeout=10)).stdout.strip() == str(len(data))


async def test_a_command_without_input_sees_its_end(session: Session) -> None:
    assert (await session.run("cat", timeout=5)).stdout == ""


async def test_a_command_that_does_not_read_its_input(session: Session) -> None:
    assert (await session.run("exit 3", input=b"x" * 3_000_000, timeout=5)).exit_status == 3


async def test_undecodable_output_is_not_an_error(session: Session) -> None:
    assert (await session.run(r"printf '\377ok'", timeout=5)).stdout == "\ufffdok"


async def test_endless_output_is_cut_off(session: Session) -> None:
    with pytest.raises(UnreachableError, match="printed more than 4 MiB"):
        await session.run("yes", timeout=30)
    assert (await session.run("echo still here", timeout=5)).stdout == "still here\n"


async def test_twenty_commands_at_once_stay_below_the_servers_limit(sshd: Sshd, session: Session) -> None:
    """OpenSSH grants ten sessions on one connection; the eleventh would be refused.

    They end one after the other: it counts an ended one on until it has looked at all that has come in by then.
    """
    done = await asyncio.gather(
        *(session.run(f"sleep 0.{10 + 3 * number}; echo {number}", timeout=20) for number in range(20))
    )
    assert [each.stdout for each in done] == [f"{number}\n" for number in range(20)]
    assert "no more sessions" not in (sshd.directory / "log").read_text()


async def test_a_server_that_grants_fewer_sessions_is_obeyed(start_sshd: StartSshd) -> None:
    sshd = start_sshd(MaxSessions="2")
    session = await connect(sshd.node())
    done = await asyncio.gather(*(session.run(f"sleep 0.05; echo {number}", timeout=20) for number in range(10)))
    assert [each.stdout for each in done] == [f"{number}\n" for number in range(10)]
    assert "no more sessions" in (sshd.directory / "log").read_text()
    await session.close()


async def test_a_server_that_grants_no_session(start_sshd: StartSshd) -> None:
    session = await connect(start_sshd(MaxSessions="0").node())
    with pytest.raises(RefusedError) as refused:
        await session.run("true", timeout=5)
    assert "its SSH server starts no command" in refused.value.what
    assert refused.value.fix == "raise MaxSessions in /etc/ssh/sshd_config of the node"
    await session.close()


async def test_a_dying_link_is_told_from_a_command_that_succeeds(sshd: Sshd, session: Session) -> None:
    running = asyncio.create_task(session.run("sleep 30", timeout=60))
    await asyncio.sleep(0.3)
    began = time.monotonic()
    sshd.kill_connections()
    with pytest.raises(UnreachableError) as lost:
        await running
    assert time.monotonic() - began < 1
    assert lost.value.what == (f"pi4 (127.0.0.1:{sshd.port}): the connection is gone: Connection lost")
    assert session.lost.is_set()
    with pytest.raises(UnreachableError, match="the connection is gone"):
        await session.run("true", timeout=5)
    with pytest.raises(UnreachableError, match="the connection is gone"):
        await session.open("/run/x.sock")
    with pytest.raises(UnreachableError, match="the connection is gone"):
        await session.forward("/run/x.sock", Path("/tmp/never.sock"))


async def test_a_frozen_node_is_noticed_by_keep_alive(sshd: Sshd) -> None:
    session = await connect(sshd.node(), keepalive=0.1)
    running = asyncio.create_task(session.run("sleep 30", timeout=60))
    await asyncio.sleep(0.3)
    assert not session.lost.is_set()  # a quiet node is not a lost one
    sshd.freeze()
    began = time.monotonic()
    await asyncio.wait_for(session.lost.wait(), 2)
    assert 0.1 < time.monotonic() - began < 1
    with pytest.raises(UnreachableError, match="the connection is gone"):
        await running
    await session.close()


async def test_closing_a_frozen_node_is_quick(sshd: Sshd) -> None:
    session = await connect(sshd.node())
    sshd.freeze()
    flood = asyncio.create_task(session.run("cat", input=b"x" * 20_000_000, timeout=60))
    await asyncio.sleep(0.1)
    began = time.monotonic()
    await session.close()
    assert time.monotonic() - began < 0.5
    assert session.lost.is_set()
    with pytest.raises(UnreachableError):
        await flood


async def test_closing_twice(session: Session) -> None:
    await session.close()
    await session.close()


async def test_closing_leaves_no_server_process(sshd: Sshd) -> None:
    session = await connect(sshd.node())
    assert sshd.connections()
    await session.close()
    await eventually(lambda: not sshd.connections())
