"""Pings to a watcher that is there, is not, or hangs."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from farm.inventory.secret import Secret
from farm.notify.switch import ping
from tests.edge.registry import certificates
from tests.edge.registry.http_server import Answer, Asked, Server

SECRET = "5f0b8e9c-planted-uuid"  # farm must never say it


async def problem(url: str, within: float = 20.0) -> str:
    found = await ping(Secret(text=url), "start", "log", within=within)
    assert SECRET not in str(found)
    return str(found)


async def test_start_success_and_fail_are_told_with_the_log() -> None:
    with Server(lambda asked: Answer(body=b"OK")) as server:
        for signal in ("start", "success", "fail"):
            assert await ping(Secret(text=f"http://{server.domain}/{SECRET}"), signal, f"{signal}: ünlucky\n") is None

        assert [(each.method, each.path, each.body.decode()) for each in server.asked] == [
            ("POST", f"/{SECRET}/start", "start: ünlucky\n"),
            ("POST", f"/{SECRET}", "success: ünlucky\n"),
            ("POST", f"/{SECRET}/fail", "fail: ünlucky\n"),
        ]


async def test_it_is_pinged_through_a_proxy() -> None:
    with Server(lambda asked: Answer(body=b"OK")) as proxy:
        url = Secret(text=f"http://hc.invalid/{SECRET}")
        assert await ping(url, "start", variables={"http_proxy": f"http://{proxy.domain}"}) is None
        assert [asked.path for asked in proxy.asked] == [f"http://hc.invalid/{SECRET}/start"]


async def test_a_watcher_that_stumbles_is_asked_again() -> None:
    answers = iter((503, 429, 200))

    with Server(lambda asked: Answer(status=next(answers))) as server:
        assert await ping(Secret(text=f"http://{server.domain}/{SECRET}"), "success") is None
        assert len(server.asked) == 3


async def test_what_went_wrong_is_one_line() -> None:
    asked: list[Asked] = []

    def refuse(each: Asked) -> Answer:
        asked.append(each)
        return Answer(status=404, body=SECRET.encode())

    with Server(refuse) as server:
        assert await problem(f"http://{server.domain}/{SECRET}") == "notify: ping: it answered 404"
    assert len(asked) == 1
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    refused = "notify: ping: it cannot be reached (Connection refused)"
    assert await problem(f"http://127.0.0.1:{port}/{SECRET}") == refused
    for garbage in (SECRET, f"ftp://{SECRET}", "http://", f"http://[{SECRET}", ""):
        assert await problem(garbage) == "notify: ping: it is no http:// or https:// URL"
    assert await problem(f"http://127.0.0.1:{port}/a b/{SECRET}") == "notify: ping: it is no URL that can be used"


async def test_a_watcher_with_a_certificate_of_nobody_is_not_trusted(tmp_path: Path) -> None:
    with Server(lambda asked: Answer(), certificates.make(tmp_path)) as server:
        said = await problem(f"https://{server.domain}/{SECRET}")
    assert said.startswith("notify: ping: its certificate is not trusted (")


async def test_a_watcher_that_hangs_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        began = time.monotonic()
        said = await problem(f"http://127.0.0.1:{server.getsockname()[1]}/{SECRET}", within=2)
        took = time.monotonic() - began
    assert said == "notify: ping: no answer within 2 s"
    assert took < 10
