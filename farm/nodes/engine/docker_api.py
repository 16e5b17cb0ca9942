"""HTTP over a connection to a Docker Engine: one request each, "what are you?" and "let me speak to your BuildKit".

h11 is loaded when it is needed, for most nodes have no Docker.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from farm.nodes.engine import docker_info
from farm.nodes.engine.docker_info import NotDockerError
from farm.nodes.engine.stream import Stream
from farm.nodes.facts import FoundEngine

if TYPE_CHECKING:
    import h11

# /info is some 10 KB; a thousand labels make it ten times that.
_MOST_BYTES = 1 << 20


async def ask(engine: FoundEngine, stream: Stream, *, within: float) -> FoundEngine:
    """The engine with what it says of itself over an open connection, which is closed afterwards.

    `within` is in seconds. Raises NotDockerError for anything else than a Docker Engine that is awake.
    """
    try:
        async with asyncio.timeout(within):
            response, connection = await _response(stream, "GET", "/info", {"Connection": "close"})
            body = await _body(stream, connection)
    except TimeoutError as error:
        raise NotDockerError(f"it took the connection and did not answer within {within:g} s: it is frozen") from error
    except OSError as error:
        raise NotDockerError(f"the connection broke: {error}") from error
    finally:
        stream.close()
    if response.status_code != 200:
        raise NotDockerError(docker_info.refusal(response.status_code, body))
    headers = dict(response.headers)
    return docker_info.heard(engine, headers.get(b"server", b"").decode("latin-1"), body)


async def upgrade(stream: Stream) -> bytes:
    """Make a connection one to the engine's BuildKit, and give back what has come from it already.

    From 29.2 on Docker's socket speaks gRPC by itself; older engines do after this (moby, api/server/router/grpc).
    Raises NotDockerError where the engine will not, OSError where the connection breaks.
    """
    response, connection = await _response(stream, "POST", "/grpc", {"Connection": "Upgrade", "Upgrade": "h2c"})
    if response.status_code != 101:
        raise NotDockerError(f"it answers with HTTP status {response.status_code} where its BuildKit should be")
    data, _ = connection.trailing_data
    return data


async def _response(
    stream: Stream, method: str, target: str, headers: dict[str, str]
) -> tuple[h11.Response | h11.InformationalResponse, h11.Connection]:
    import h11

    connection = h11.Connection(h11.CLIENT)
    request = h11.Request(method=method, target=target, headers=[("Host", "docker"), *headers.items()])
    stream.write((connection.send(request) or b"") + (connection.send(h11.EndOfMessage()) or b""))
    while True:
        event = await _next(stream, connection)
        if isinstance(event, h11.Response) or (
            isinstance(event, h11.InformationalResponse) and event.status_code == 101
        ):
            return event, connection


async def _body(stream: Stream, connection: h11.Connection) -> bytes:
    import h11

    body = b""
    while isinstance(event := await _next(stream, connection), h11.Data):
        body += event.data
        if len(body) > _MOST_BYTES:
            raise NotDockerError("its answer has no end")
    return body


async def _next(stream: Stream, connection: h11.Connection) -> h11.Event:
    import h11

    try:
        while (event := connection.next_event()) is h11.NEED_DATA:
            received = await stream.read(65536)
            if not received and connection.their_state is h11.SEND_RESPONSE:
                raise NotDockerError("it closed the connection without an HTTP answer")
            connection.receive_data(received)
    except h11.RemoteProtocolError as error:
        raise NotDockerError("it does not speak HTTP") from error
    assert not isinstance(event, type)  # h11.PAUSED is for servers and for what comes after an upgrade
    return event
