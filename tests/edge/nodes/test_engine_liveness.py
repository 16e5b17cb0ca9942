"""Is BuildKit awake behind a socket? Asked of real daemons and of things that are none."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import pytest

from farm.nodes.engine.info_call import NotBuildKitError
from farm.nodes.engine.liveness import alive, dial, version
from tests.edge.nodes.buildkit import Buildkitd
from tests.edge.nodes.serving import Handle, hang, serving


async def ask(socket: Path, within: float = 5) -> str:
    return await version(await dial(socket), within=within)


async def refusal(socket: Path, within: float = 5) -> str:
    with pytest.raises(NotBuildKitError) as refused:
        await ask(socket, within)
    return str(refused.value)


def saying(words: bytes) -> Handle:
    """A server that says this as soon as it has heard something, and hangs up."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)
        writer.write(words)

    return answer


async def test_a_real_buildkitd(buildkitd: Path) -> None:
    assert (await ask(buildkitd)).startswith("v0.")
    assert await alive(buildkitd)


async def test_asking_often_annoys_nobody(buildkitd: Path) -> None:
    """gRPC servers hang up on clients that ping too often; this question is not a ping."""
    began = time.monotonic()
    assert all([await alive(buildkitd) for _ in range(50)])
    assert time.monotonic() - began < 5


async def test_a_buildkitd_that_is_stopped_and_goes_on(short: Path) -> None:
    with Buildkitd(short / "b.sock", short / "root") as daemon:
        assert await alive(daemon.socket)
        daemon.freeze()
        assert await refusal(daemon.socket, 0.3) == (
            "it took the connection and did not answer within 0.3 s: it is frozen"
        )
        assert not await alive(daemon.socket, 0.3)
        daemon.process.send_signal(signal.SIGCONT)
        assert await alive(daemon.socket)


async def test_a_killed_buildkitd_leaves_a_dead_socket(short: Path) -> None:
    with Buildkitd(short / "b.sock", short / "root") as daemon:
        daemon.process.kill()
        daemon.process.wait()
        assert daemon.socket.exists()
        assert not await alive(daemon.socket)


async def test_no_socket_at_all(short: Path) -> None:
    assert "nobody listens there" in await refusal(short / "gone.sock")
    assert not await alive(short / "gone.sock")


async def test_a_file_that_is_no_socket(short: Path) -> None:
    (short / "file").write_text("")
    assert not await alive(short / "file")


@pytest.mark.parametrize(
    ("say", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "HTTP/1.1, as a Docker Engine older than 29.2"),
        (b"", "it closed the connection without an answer"),
        (b"\x00\x00\x00\x04\x00\x00\x00\x00\x00", "it answers, but not as BuildKit"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "something else than HTTP/2"),
        (
            b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" + b"\x00\x00\x04\x06\x00\x00\x00\x00\x00abcd" * 20000,
            "not as BuildKit",
        ),
    ],
    ids=["http/1.1", "nothing", "settings only", "ssh", "endless frames"],
)
async def test_things_that_are_no_buildkit(short: Path, say: bytes, said: str) -> None:
    async with serving(saying(say), short / "x.sock"):
        assert said in await refusal(short / "x.sock")


async def test_a_server_that_never_answers(short: Path) -> None:
    async with serving(hang, short / "x.sock"):
        began = time.monotonic()
        assert not await alive(short / "x.sock", 0.2)
        assert time.monotonic() - began < 1
