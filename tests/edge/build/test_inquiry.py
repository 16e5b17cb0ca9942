"""What a real BuildKit says of registries and proxies that are there, sick, or not there at all."""

from __future__ import annotations

import asyncio
import http.server
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from farm.build import inquiry, locate
from farm.build.reachability import Reach
from tests.edge.build.small_farm import AMD64, SmallFarm
from tests.edge.nodes.openssh import free_port

Serve = Callable[[int], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server that gives every request this status; gives back its `host:port`."""
    servers: list[http.server.ThreadingHTTPServer] = []

    def start(status: int) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_HEAD = do_GET  # noqa: N815 - http.server's word

            def log_message(self, *_: object) -> None:
                pass

        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


async def test_registries(farm: SmallFarm, serve: Serve, tmp_path: Path) -> None:
    expected = {
        farm.registry.domain: Reach.ANSWERS,
        f"{farm.registry.domain}/with/a/path": Reach.ANSWERS,
        serve(401): Reach.ANSWERS,
        serve(429): Reach.ANSWERS,
        serve(500): Reach.FAILING,
        f"127.0.0.1:{free_port()}": Reach.NO_CONNECTION,
        "no-such-registry.invalid:5000": Reach.NO_NAME,
    }

    answers = await inquiry.registries(locate.buildx(), farm.z, AMD64, expected, tmp_path, asyncio.Semaphore(2))

    assert {domain: heard and heard.reach for domain, heard in answers.items()} == expected
    assert "no-such-registry.invalid" in str(answers["no-such-registry.invalid:5000"])


async def test_proxies(farm: SmallFarm, serve: Serve, tmp_path: Path) -> None:
    expected = {
        serve(200): Reach.ANSWERS,
        serve(407): Reach.ANSWERS,
        f"127.0.0.1:{free_port()}": Reach.NO_CONNECTION,
    }

    answers = await inquiry.proxies(locate.buildx(), farm.z, AMD64, expected, tmp_path, asyncio.Semaphore(2))

    assert {address: heard and heard.reach for address, heard in answers.items()} == expected


async def test_a_server_that_says_nothing_is_given_up(
    farm: SmallFarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inquiry, "SECONDS", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        answers = await inquiry.registries(locate.buildx(), farm.z, AMD64, [address], tmp_path, asyncio.Semaphore(1))

    heard = answers[address]
    assert heard is not None
    assert (heard.reach, heard.said) == (Reach.SILENT, "no answer within 2 s")
