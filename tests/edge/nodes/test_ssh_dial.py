"""A board that is off, and one that is busy: only the first is given up soon."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.errors import UnreachableError
from farm.inventory import Node
from farm.nodes.ssh.connect import connect


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port whose queue is full: the kernel lets further first packets fall, as a board that is off does."""
    with socket.socket() as server, contextlib.ExitStack() as queue:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            waiting = queue.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield server.getsockname()[1]


def node(port: int, folder: Path) -> Node:
    return Node(name="z1", host="127.0.0.1", port=port, user="farm", known_hosts=folder / "known_hosts")


async def test_silence_is_given_up_after_the_time_for_dialling(silent_port: int, tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(UnreachableError, match=r"z1 .*: nothing answers there within 0\.5 s"):
        await connect(node(silent_port, tmp_path), connect_timeout=30, dial_timeout=0.5)
    assert time.monotonic() - began < 5


async def test_a_server_that_takes_the_connection_gets_the_whole_time(tmp_path: Path) -> None:
    ended = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        ended.set()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    async with server:
        began = time.monotonic()
        with pytest.raises(UnreachableError, match=r"no SSH connection within 1\.5 s"):
            await connect(node(server.sockets[0].getsockname()[1], tmp_path), connect_timeout=1.5, dial_timeout=0.3)
        assert time.monotonic() - began >= 1.5
        await ended.wait()
