"""The engine's API as far as one container needs it: each method is one request on a connection of its own.

Sources: Docker Engine API 1.44; Podman answers the same, with a status 500 in places (pkg/api/handlers/compat).
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import re
import tarfile
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

from farm.nodes.engine import docker_http, docker_info
from farm.nodes.engine.container.settings import LABEL, NAME, Settings
from farm.nodes.engine.docker_http import Answer
from farm.nodes.engine.docker_info import NotDockerError
from farm.nodes.engine.upgraded import Dial
from farm.registry.reference import Reference

_SECONDS = 10.0
# A board's card takes its time to write a container down, or to end one.
_SLOW_SECONDS = 90.0
# Engines tell every few seconds how far a pull has come, but not while they unpack a layer.
_SILENCE_SECONDS = 300.0
_LOG_LINES, _LAST_LINES = 100, 3
# How buildkitd tells what ends it; a trace of its own stack may come after that.
_TELLING = re.compile(r"buildkitd: |.*\blevel=(?:error|fatal)\b")


class CallError(Exception):
    """The engine refused, in its own words; `status` is HTTP's, 0 for an error in the middle of an answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class NameTakenError(CallError):
    """Somebody else has just made a container of that name."""


class Calls:
    """All raise NotDockerError where the engine does not answer, CallError where it refuses."""

    def __init__(self, dial: Dial) -> None:
        self._dial = dial

    async def info(self) -> Mapping[str, Any]:
        """What the engine says of itself."""
        return await self._json("GET", "/info")

    async def inspect(self) -> Mapping[str, Any] | None:
        """What it says of the container; None where there is none."""
        try:
            return await self._json("GET", f"/containers/{NAME}/json")
        except CallError as error:
            if error.status == 404:
                return None
            raise

    async def has_image(self, image: Reference) -> bool:
        """Whether it need not be pulled."""
        try:
            await self._call("GET", f"/images/{quote(str(image))}/json")
        except CallError as error:
            if error.status == 404:
                return False
            raise
        return True

    async def pull(self, image: Reference, login: str | None) -> None:
        """Let the engine pull; `login` is the value of X-Registry-Auth, which it uses for this and forgets."""
        # A digest says more than a tag, and the API takes one of the two.
        which = image.digest or image.tag or ""
        target = f"/images/create?fromImage={quote(image.repository, safe='')}&tag={quote(which, safe='')}"
        headers = {"X-Registry-Auth": login} if login else {}
        async with self._asked("POST", target, headers, within=_SILENCE_SECONDS) as answer:
            rest = b""
            chunks = answer.chunks()
            while True:
                async with asyncio.timeout(_SILENCE_SECONDS):
                    chunk = await anext(chunks, b"")
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines if chunk else [*lines, rest]:
                    _raise_told(line)
                if not chunk:
                    return
                if len(rest) > docker_http.MOST_BYTES:
                    raise NotDockerError("its answer has no end")

    async def create(self, wanted: Settings) -> str:
        """Make the container, without starting it; its identity. Raises NameTakenError, too."""
        body = {**wanted.body, "Labels": {LABEL: wanted.hash}}
        try:
            made = await self._json("POST", f"/containers/create?name={NAME}", body=body, within=_SLOW_SECONDS)
        except CallError as error:
            # Podman before 5.6 says 500 and means 409.
            if error.status == 409 or "already in use" in str(error):
                raise NameTakenError(error.status, str(error)) from error
            raise
        return str(made.get("Id", ""))

    async def put(self, container: str, files: Mapping[str, str]) -> None:
        """Lay files into the container; they are nowhere else on the node."""
        headers = {"Content-Type": "application/x-tar"}
        target = f"/containers/{quote(container)}/archive?path=/"
        await self._call("PUT", target, headers, body=_packed(files), within=_SLOW_SECONDS)

    async def start(self, container: str) -> None:
        """Start it; one that runs already is left as it is."""
        await self._call("POST", f"/containers/{quote(container)}/start", within=_SLOW_SECONDS)

    async def remove(self, container: str) -> None:
        """Take it away, running or not; its named volume stays. One that is gone, or going, is no error.

        Never by name: by now that may be another's, and somebody builds in it.
        """
        try:
            await self._call("DELETE", f"/containers/{quote(container)}?force=true", within=_SLOW_SECONDS)
        except CallError as error:
            if error.status not in (404, 409):
                raise

    async def last_words(self) -> tuple[str, ...]:
        """The last lines in which it told of errors, else its last lines; nothing where they cannot be had."""
        target = f"/containers/{NAME}/logs?stdout=true&stderr=true&tail={_LOG_LINES}"
        try:
            lines = _lines(await self._call("GET", target))
        except (CallError, NotDockerError):
            return ()
        # Started again and again, it says the same each time.
        telling = tuple(dict.fromkeys(line for line in lines if _TELLING.match(line)))
        return (telling or lines)[-_LAST_LINES:]

    async def _json(
        self, method: str, target: str, *, body: Mapping[str, Any] | None = None, within: float = _SECONDS
    ) -> Mapping[str, Any]:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        sent = json.dumps(body).encode() if body is not None else b""
        received = await self._call(method, target, headers, body=sent, within=within)
        try:
            said = json.loads(received)
        except (ValueError, RecursionError) as error:
            raise NotDockerError("it answers HTTP, but not as a Docker Engine does") from error
        if not isinstance(said, dict):
            raise NotDockerError("it answers HTTP, but not as a Docker Engine does")
        return said

    async def _call(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        *,
        body: bytes = b"",
        within: float = _SECONDS,
    ) -> bytes:
        async with self._asked(method, target, headers, body=body, within=within) as answer, asyncio.timeout(within):
            return await answer.read()

    @contextlib.asynccontextmanager
    async def _asked(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        *,
        body: bytes = b"",
        within: float,
    ) -> AsyncIterator[Answer]:
        """The answer to one request, its body yet to be read; its head must be there `within` seconds."""
        stream = await self._dial()
        try:
            async with asyncio.timeout(within):
                answer = await docker_http.request(
                    stream, method, target, {"Connection": "close", **(headers or {})}, body
                )
                if answer.status >= 300 and answer.status != 304:
                    words = docker_info.refusal(answer.status, await answer.read())
                    # Podman says 500 for a container that somebody takes away while it looks for it.
                    status = 404 if "no such container" in words.lower() else answer.status
                    raise CallError(status, words.removeprefix(f"it answers with HTTP status {answer.status}: "))
            yield answer
        except TimeoutError as error:
            raise NotDockerError(f"it did not answer `{method} {target.partition('?')[0]}` in time") from error
        except OSError as error:
            raise NotDockerError(f"the connection broke: {error}") from error
        finally:
            stream.close()


def _raise_told(line: bytes) -> None:
    """An error that comes when the status has long said that all is well."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return
    if isinstance(said, dict) and said.get("error"):
        raise CallError(0, str(said["error"]))


def _packed(files: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(text.encode()), 0o644
            archive.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


def _lines(log: bytes) -> tuple[str, ...]:
    """A log's lines: each of its parts has eight bytes in front, the last four of which say how long it is."""
    text, start = b"", 0
    while len(log) - start >= 8:
        size = int.from_bytes(log[start + 4 : start + 8], "big")
        text += log[start + 8 : start + 8 + size]
        start += 8 + size
    return tuple(line for line in text.decode("utf-8", "replace").splitlines() if line.strip())
