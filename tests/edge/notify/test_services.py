"""Messages to services that are really there, or hang, or are none: each by itself, and no secret in what is said."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.inventory import Notify
from farm.inventory.secret import Secret
from farm.notify.message import Message
from farm.notify.services import send
from tests.edge.registry import certificates
from tests.edge.registry.http_server import Answer, Asked, Server

SECRET = "p1antedT0kenValue"  # farm must never say it
MESSAGE = Message(title="farm: 1 failed", body="Failed:\n- app: it is <b>broken</b> & *bent*", kind="failure")


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def ok(asked: Asked) -> Answer:
    return Answer(body=b'{"id": "x", "event": "message"}', headers={"Content-Type": "application/json"})


async def said(*urls: str, within: float = 20.0) -> list[str]:
    notify = Notify(urls=tuple(Secret(text=url) for url in urls), within=within)
    problems = [str(problem) for problem in await send(notify, MESSAGE)]
    assert SECRET not in " ".join(problems)
    assert all("\n" not in problem for problem in problems)
    return problems


async def test_each_service_gets_title_and_text_as_they_are() -> None:
    with Server(ok) as server:
        assert (
            await said(
                f"json://{SECRET}@{server.domain}/hook",
                f"ntfy://{server.domain}/{SECRET}",
                f"gotify://{server.domain}/{SECRET}",
            )
            == []
        )
        asked = {each.path.partition("?")[0]: each for each in server.asked}

    hook = json.loads(asked["/hook"].body)
    assert (hook["title"], hook["message"], hook["type"]) == (MESSAGE.title, MESSAGE.body, "failure")
    ntfy = json.loads(asked["/"].body)
    assert (ntfy["topic"], ntfy["title"], ntfy["message"]) == (SECRET, MESSAGE.title, MESSAGE.body)
    gotify = json.loads(asked["/message"].body)
    assert (gotify["title"], gotify["message"]) == (MESSAGE.title, MESSAGE.body)


async def test_whom_the_system_trusts_is_trusted_and_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = certificates.make(tmp_path)
    with Server(ok, made) as server:
        assert await said(f"jsons://{server.domain}/") == ["notify: url 1 (JSON): its certificate is not trusted"]
        monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
        monkeypatch.setenv("SSL_CERT_FILE", str(made.ca))
        assert await said(f"jsons://{server.domain}/") == []


async def test_they_are_told_through_a_proxy() -> None:
    with Server(ok) as proxy:
        notify = Notify(urls=(Secret(text=f"json://hook.invalid/{SECRET}"),))
        assert await send(notify, MESSAGE, variables={"http_proxy": f"http://{proxy.domain}"}) == ()
        assert [asked.path for asked in proxy.asked] == [f"http://hook.invalid/{SECRET}"]


async def test_a_service_that_hangs_holds_neither_the_others_nor_farm(silent: int) -> None:
    with Server(ok) as server:
        began = time.monotonic()
        problems = await said(
            f"ntfy://127.0.0.1:{silent}/{SECRET}", f"json://{server.domain}/", f"jsons://127.0.0.1:{silent}", within=3
        )
        took = time.monotonic() - began

        assert len(server.asked) == 1
    assert problems == [
        "notify: url 1 (ntfy): no answer within 3 s",
        "notify: url 3 (JSON): no answer within 3 s",
    ]
    assert 2.9 < took < 30


async def test_what_went_wrong_is_one_line_each(closed: int) -> None:
    def refuse(asked: Asked) -> Answer:
        return Answer(status={"/a": 401, "/b": 500}.get(asked.path.partition("?")[0], 404), body=SECRET.encode())

    with Server(refuse) as server:
        problems = await said(
            f"json://user:{SECRET}@{server.domain}/a",
            f"json://{server.domain}/b?+X-Token={SECRET}",
            f"ntfy://127.0.0.1:{closed}/{SECRET}",
            f"json://no-such-host.invalid/{SECRET}",
            f"jsons://{SECRET}@{server.domain}/",
            SECRET,
            f"nosuchservice://{SECRET}",
            f"tgram://{SECRET}",
            "",
        )
    unknown = "it is no URL that apprise understands; they are listed in apprise's documentation"
    assert problems == [
        "notify: url 1 (JSON): it answered 401 (login refused)",
        "notify: url 2 (JSON): it answered 500",
        "notify: url 3 (ntfy): nothing listens there (connection refused)",
        "notify: url 4 (JSON): its host's name is not known",
        "notify: url 5 (JSON): it speaks no TLS that can be used",
        *(f"notify: url {number}: {unknown}" for number in (6, 7, 8, 9)),
    ]


async def test_nobody_can_read_the_urls_from_outside(silent: int) -> None:
    sending = asyncio.create_task(said(f"ntfy://127.0.0.1:{silent}/{SECRET}", within=3))
    seen = ""
    while not sending.done():
        seen += "".join(programs())
        await asyncio.sleep(0.2)
    assert "apprise_program" in seen
    assert SECRET not in seen


async def test_a_run_that_is_interrupted_leaves_nothing_behind(silent: int) -> None:
    sending = asyncio.create_task(said(f"ntfy://127.0.0.1:{silent}/{SECRET}"))
    await asyncio.sleep(2)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert programs() == []


async def test_a_file_in_the_current_folder_is_no_module_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    with Server(ok) as server:
        assert await said(f"json://{server.domain}/") == []


def programs() -> list[str]:
    """What everybody may read of each program that sends a message now, and what its user may."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            arguments = (process / "cmdline").read_bytes()
            if b"apprise_program" in arguments:
                found.append((arguments + (process / "environ").read_bytes()).decode("utf-8", "replace"))
    return found


async def test_a_url_that_is_not_there_is_said_without_the_others_being_held_up() -> None:
    with Server(ok) as server:
        urls = (Secret(variable="NO_SUCH_VARIABLE"), Secret(text=f"json://{server.domain}/"))
        problems = await send(Notify(urls=urls, within=20), MESSAGE)
        assert len(server.asked) == 1
    assert [str(problem) for problem in problems] == [
        "notify: url 1: the variable NO_SUCH_VARIABLE, which the inventory names, holds no value"
    ]
