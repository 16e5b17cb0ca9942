"""HTTP/1.1 over an open connection to an engine's socket: one request, one answer.

h11 is loaded when it is needed, for most nodes have neither Docker nor Podman.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING

from farm.nodes.engine.docker_info import NotDockerError
from farm.nodes.engine.stream import Stream

if TYPE_CHECKING:
    import h11

# /info is some 10 KB; a thousand labels make it ten times that.
MOST_BYTES = 1 << 20


class Answer:
    """What an engine answers: its status and headers at once, its body as it comes. Made by `request`."""

    def __init__(
        self, head: h11.Response | h11.InformationalResponse, connection: h11.Connection, stream: Stream
    ) -> None:
        self.status: int = head.status_code
        self._headers = dict(head.headers)
        self._connection = connection
        self._stream = stream

    def header(self, name: str) -> str:
        """The header of that name in lower case; empty where there is none."""
        return self._headers.get(name.encode(), b"").decode("latin-1")

    @property
    def early(self) -> bytes:
        """What came after the end of HTTP, once the connection speaks something else."""
        return self._connection.trailing_data[0]

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, in pieces of any size. Raises NotDockerError and OSError."""
        import h11

        while isinstance(event := await _next(self._stream, self._connection), h11.Data):
            yield bytes(event.data)

    async def read(self) -> bytes:
        """The whole body, which has 1 MiB at most. Raises NotDockerError and OSError."""
        body = b""
        async for chunk in self.chunks():
            body += chunk
            if len(body) > MOST_BYTES:
                raise NotDockerError("its answer has no end")
        return body


async def request(
    stream: Stream, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> Answer:
    """Ask, and wait for the head of the answer. `headers` come beside those that every request has.

    Raises NotDockerError for what is no HTTP server, OSError where the connection breaks.
    """
    import h11

    connection = h11.Connection(h11.CLIENT)
    fields = {"Host": "docker", **(headers or {}), **({"Content-Length": str(len(body))} if body else {})}
    events: list[h11.Event] = [h11.Request(method=method, target=target, headers=list(fields.items()))]
    events += [h11.Data(data=body)] if body else []
    for event in (*events, h11.EndOfMessage()):
        stream.write(connection.send(event) or b"")
    await stream.drain()
    while True:
        answered = await _next(stream, connection)
        if isinstance(answered, h11.Response) or (
            isinstance(answered, h11.InformationalResponse) and answered.status_code == 101
        ):
            return Answer(answered, connection, stream)


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
