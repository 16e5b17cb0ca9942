"""A node's BuildKit behind a local socket: real sshd, real buildkitd, real client."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from farm.errors import FarmError, UnreachableError
from farm.inventory import Node
from farm.nodes.engine.endpoint import open_endpoint
from farm.nodes.engine.liveness import alive
from farm.nodes.facts import FoundEngine
from farm.nodes.reach import Reached, reach
from farm.nodes.ssh.session import Session
from tests.edge.nodes.conftest import StartSshd
from tests.edge.nodes.openssh import Sshd
from tests.edge.nodes.serving import leave_socket


@pytest.fixture
async def reached(sshd: Sshd, buildkitd: Path) -> AsyncIterator[Reached]:
    found = await reach(sshd.node(socket=str(buildkitd)))
    yield found
    assert found.session is not None
    await found.session.close()


def session_of(reached: Reached) -> Session:
    assert reached.session is not None
    return reached.session


async def workers(socket: Path) -> tuple[int | None, bytes]:
    """What a real client of BuildKit gets through the socket."""
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("buildctl"),
        *("--addr", f"unix://{socket}", "debug", "workers"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output


async def test_a_real_client_reaches_the_nodes_buildkit(reached: Reached, short: Path) -> None:
    endpoint = await open_endpoint(reached.node, reached.facts, reached.session, short)
    assert (endpoint.node, endpoint.engine, endpoint.socket) == ("pi4", "buildkitd", short / "pi4.sock")
    assert endpoint.version.startswith("v0.")
    status, output = await workers(endpoint.socket)
    assert (status, b"PLATFORMS" in output) == (0, True), output
    await endpoint.close()
    assert not endpoint.socket.exists()
    await endpoint.close()


async def test_a_socket_that_a_killed_run_left_is_replaced(reached: Reached, short: Path) -> None:
    leave_socket(short / "pi4.sock")
    endpoint = await open_endpoint(reached.node, reached.facts, reached.session, short)
    assert await alive(endpoint.socket)
    await endpoint.close()


async def test_many_connections_through_one_forward(reached: Reached, short: Path) -> None:
    endpoint = await open_endpoint(reached.node, reached.facts, reached.session, short)
    assert all(await asyncio.gather(*(alive(endpoint.socket) for _ in range(30))))
    await endpoint.close()


async def test_a_lost_link_ends_what_runs_through_it_at_once(sshd: Sshd, reached: Reached, short: Path) -> None:
    endpoint = await open_endpoint(reached.node, reached.facts, reached.session, short)
    reader, writer = await asyncio.open_unix_connection(str(endpoint.socket))
    assert await reader.read(9)  # the daemon's first words: the way is open
    began = time.monotonic()
    sshd.kill_connections()
    await asyncio.wait_for(session_of(reached).lost.wait(), 2)
    await asyncio.wait_for(reader.read(), 2)  # until the end of the stream
    assert time.monotonic() - began < 1
    assert not await alive(endpoint.socket)
    writer.close()
    await writer.wait_closed()
    await endpoint.close()
    assert not endpoint.socket.exists()


async def test_a_directory_whose_path_is_too_long(reached: Reached, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    with pytest.raises(FarmError, match=r"is too long for a socket: .* bytes of at most 107") as refused:
        await open_endpoint(reached.node, reached.facts, reached.session, deep)
    assert refused.value.fix == "set XDG_RUNTIME_DIR to a short directory of your own"


async def test_a_directory_that_is_not_there(reached: Reached, short: Path) -> None:
    with pytest.raises(FarmError, match=r"cannot listen on .*: No such file or directory"):
        await open_endpoint(reached.node, reached.facts, reached.session, short / "gone")


async def test_a_name_cannot_leave_the_directory(reached: Reached, short: Path) -> None:
    endpoint = await open_endpoint(replace(reached.node, name="../up"), reached.facts, reached.session, short)
    assert endpoint.socket == short / ".._up.sock"
    await endpoint.close()


async def test_a_daemon_that_died_since_the_probe(reached: Reached, short: Path) -> None:
    gone = FoundEngine(engine="buildkitd", socket=str(short / "gone.sock"))
    node = replace(reached.node, socket=None)
    with pytest.raises(UnreachableError) as failed:
        await open_endpoint(node, replace(reached.facts, engines=(gone,)), reached.session, short)
    assert failed.value.what.startswith("pi4: BuildKit does not answer: ")
    assert not (short / "pi4.sock").exists()


async def test_no_engine(reached: Reached, short: Path) -> None:
    with pytest.raises(UnreachableError, match="no buildkitd was found on the node"):
        await open_endpoint(reached.node, replace(reached.facts, engines=()), reached.session, short)


async def test_a_server_that_allows_no_tunnels(start_sshd: StartSshd, buildkitd: Path, short: Path) -> None:
    sshd = start_sshd(AllowStreamLocalForwarding="no")
    reached = await reach(sshd.node(socket=str(buildkitd)))
    with pytest.raises(UnreachableError) as failed:
        await open_endpoint(reached.node, reached.facts, reached.session, short)
    assert failed.value.what.endswith("nobody listens there, or the SSH server allows no tunnel to it")
    assert failed.value.fix is not None
    assert "AllowStreamLocalForwarding yes" in failed.value.fix
    await session_of(reached).close()


async def test_the_local_engine_is_used_where_it_is(buildkitd: Path, short: Path) -> None:
    reached = await reach(Node(name="local", engine="local", socket=str(buildkitd)))
    endpoint = await open_endpoint(reached.node, reached.facts, None, short)
    assert (endpoint.engine, endpoint.socket) == ("buildkitd", buildkitd)
    await endpoint.close()
    assert await alive(buildkitd)
