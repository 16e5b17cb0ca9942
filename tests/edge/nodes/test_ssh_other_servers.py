"""What OpenSSH does not do when asked, from a server in this process that speaks the same protocol with real keys."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncssh
import pytest

from farm.errors import UnreachableError
from farm.inventory import Node
from farm.nodes.ssh.connect import connect
from tests.edge.nodes.openssh import keygen, public

Process = asyncssh.SSHServerProcess[bytes]


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    keygen(tmp_path / "host")
    keygen(tmp_path / "id")
    return tmp_path


@contextlib.asynccontextmanager
async def serving(keys: Path, handle: Callable[[Process], Awaitable[None]]) -> AsyncIterator[Node]:
    """A server that runs `handle` for each command, as a node."""
    connections: list[asyncssh.SSHServerConnection] = []

    class Server(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            connections.append(conn)

    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=Server,
        server_host_keys=[str(keys / "host")],
        authorized_client_keys=str(keys / "id.pub"),
        process_factory=handle,
        encoding=None,
    )
    port = server.get_port()
    (keys / "known_hosts").write_text(f"[127.0.0.1]:{port} {public(keys / 'host')}\n")
    try:
        yield Node(
            name="board", host="127.0.0.1", port=port, user="me", key=keys / "id", known_hosts=keys / "known_hosts"
        )
    finally:
        server.close()
        for connection in connections:
            connection.abort()
            await connection.wait_closed()


@pytest.mark.parametrize("ending", ["cancelled", "out of time"])
async def test_a_command_that_is_given_up_is_sent_a_signal(keys: Path, ending: str) -> None:
    started, signals = asyncio.Event(), asyncio.Queue[str]()

    async def handle(process: Process) -> None:
        started.set()
        try:
            while True:
                await process.stdin.read(1)  # at its end, and still the way by which signals come
                await asyncio.sleep(0.01)
        except asyncssh.SignalReceived as received:
            signals.put_nowait(received.signal)
        process.exit(0)

    async with serving(keys, handle) as node:
        session = await connect(node)
        running = asyncio.create_task(session.run("build", timeout=0.3 if ending == "out of time" else 60))
        await started.wait()
        await asyncio.sleep(0.1)  # until this side knows of the start, too
        if ending == "cancelled":
            running.cancel()
        with pytest.raises((asyncio.CancelledError, UnreachableError)):
            await running
        assert await asyncio.wait_for(signals.get(), 2) == "TERM"
        await session.close()


async def test_a_command_that_ends_without_a_status(keys: Path) -> None:
    """Some small servers close the channel and say nothing; that is not success."""

    async def handle(process: Process) -> None:
        process.stdout.write(b"half")
        process.close()

    async with serving(keys, handle) as node:
        session = await connect(node)
        with pytest.raises(UnreachableError, match="it was lost during `build`"):
            await session.run("build", timeout=5)
        await session.close()


async def test_a_server_that_lets_anybody_in_still_has_its_key_checked(keys: Path) -> None:
    async with serving(keys, _nothing) as node:
        (keys / "known_hosts").write_text("")
        with pytest.raises(Exception, match="the host key is unknown"):
            await connect(node)


async def _nothing(process: Process) -> None:
    process.exit(0)
