"""Repositories behind a web server that may ask for a login, and what of it can be seen on this machine."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.edge.registry.http_server import Answer, Asked, Server
from tests.edge.sources.repository import ENVIRONMENT


def backend(base: Path, asked: Asked) -> Answer:
    """What git's own program for web servers answers."""
    path, _, query = asked.path.partition("?")
    environment = {
        **ENVIRONMENT,
        "GIT_PROJECT_ROOT": str(base),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REQUEST_METHOD": asked.method,
        "CONTENT_TYPE": asked.headers.get("Content-Type", ""),
        "HTTP_CONTENT_ENCODING": asked.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": asked.headers.get("Git-Protocol", ""),
    }
    done = subprocess.run(["git", "http-backend"], input=asked.body, env=environment, check=True, capture_output=True)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
    return Answer(status=int(headers.pop("Status", "200").split()[0]), body=body, headers=headers)


def asking(reply: Callable[[Asked], Answer]) -> Callable[[Asked], Answer]:
    """The same, for those alone who give a password; which one does not matter."""
    refusal = Answer(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
    return lambda asked: reply(asked) if "Authorization" in asked.headers else refusal


def given(server: Server) -> set[str | None]:
    """Every login that a server was given."""
    return {asked.headers.get("Authorization") for asked in server.asked}


def command_lines() -> list[str]:
    """The command line of every process on this machine."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found
