"""A registry that misbehaves: HTTP faults between its clients and a real registry behind it."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

_CHUNK = 1 << 16
# What belongs to one connection and not to the message (RFC 9110, 7.6.1).
_HOP = {"connection", "keep-alive", "transfer-encoding", "expect"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Answers by itself; the registry never hears of the request."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Passes the request on, and answers something else than the registry did."""

    status: int


class Hang:
    """Takes the request and never answers."""


class Reset:
    """Takes the beginning of the body and resets the connection."""


@dataclass
class Rule:
    """Which requests meet the fault: a method, a pattern within the path, and how often; None is for ever.

    `after` is a pattern for `METHOD PATH` of a request that must have been passed on before.
    """

    fault: Answer | Done | Hang | Reset
    method: str = ".*"
    path: str = ""
    times: int | None = None
    after: str = ""
    met: int = 0

    def takes(self, method: str, path: str, passed: list[str]) -> bool:
        if self.times is not None and self.met >= self.times:
            return False
        if self.after and not any(re.search(self.after, each) for each in passed):
            return False
        if not re.fullmatch(self.method, method) or not re.search(self.path, path):
            return False
        self.met += 1
        return True


class RegistryBetween:
    """Passes on to `behind` (host:port) what no rule takes, and keeps `METHOD PATH` of that in `passed`."""

    def __init__(self, behind: str, *rules: Rule) -> None:
        self.rules = list(rules)
        self._behind = behind
        self.passed: list[str] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                outer.answer(self)

            do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815 - http.server's names

            def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
                # BuildKit says hello in TLS first, and goes on without it only where what comes back looks like HTTP/1.
                self.wfile.write(f"HTTP/1.1 {code} Bad Request\r\nConnection: close\r\n\r\n".encode())
                self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
                # No shutdown before: it would say an orderly goodbye where a reset is wanted.
                self.close_request(request)

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that has gone is what faults are made of."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.domain = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def mend(self) -> None:
        """Misbehave no longer; who hangs is let go."""
        self.rules.clear()
        self._over.set()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """One request."""
        with self._lock:
            fault = next(
                (rule.fault for rule in self.rules if rule.takes(request.command, request.path, self.passed)), None
            )
        if fault is None:
            self._pass_on(request)
            return
        request.close_connection = True
        if isinstance(fault, Answer):
            for _ in _body(request):
                pass
            _reply(request, fault.status, fault.headers, b"")
        elif isinstance(fault, Done):
            self._pass_on(request, instead=fault.status)
        elif isinstance(fault, Hang):
            self._over.wait()
        else:
            # In the middle of the first piece. SO_LINGER with no time makes close() a reset (socket(7)).
            next(_body(request), None)
            request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _pass_on(self, request: BaseHTTPRequestHandler, *, instead: int | None = None) -> None:
        connection = http.client.HTTPConnection(self._behind, timeout=30)
        with contextlib.closing(connection):
            connection.putrequest(request.command, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                if name.lower() not in _HOP:
                    connection.putheader(name, value)
            is_chunked = _is_chunked(request)
            if is_chunked:
                connection.putheader("Transfer-Encoding", "chunked")
            connection.endheaders()
            for piece in _body(request):
                connection.send(b"%x\r\n%s\r\n" % (len(piece), piece) if is_chunked else piece)
            if is_chunked:
                connection.send(b"0\r\n\r\n")
            answer = connection.getresponse()
            headers = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP}
            with self._lock:
                self.passed.append(f"{request.command} {request.path}")
            body = answer.read()
            if instead is None:
                _reply(request, answer.status, headers, body)
            else:
                _reply(request, instead, {}, b"")


def _reply(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
    request.send_response_only(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        request.send_header(name, value)
    if request.close_connection:
        request.send_header("Connection", "close")
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)


def _is_chunked(request: BaseHTTPRequestHandler) -> bool:
    return "chunked" in request.headers.get("Transfer-Encoding", "").lower()


def _body(request: BaseHTTPRequestHandler) -> Iterator[bytes]:
    take: Callable[[int], bytes] = request.rfile.read
    if _is_chunked(request):
        while size := int(request.rfile.readline().split(b";")[0], 16):
            yield take(size)
            take(2)
        request.rfile.readline()
        return
    left = int(request.headers.get("Content-Length") or 0)
    while left and (piece := take(min(left, _CHUNK))):
        left -= len(piece)
        yield piece
