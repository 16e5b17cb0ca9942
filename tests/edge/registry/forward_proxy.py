"""A real forward proxy: it counts, may ask for a login, and knows names that nobody else does."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

_WANTS_LOGIN = (
    b"HTTP/1.1 407 Proxy Authentication Required\r\n"
    b'Proxy-Authenticate: Basic realm="home"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
)


class ForwardProxy:
    """Passes on plain requests and CONNECT, `host:port` as `names` has it; keeps what was asked in `asked`.

    It listens on `address`; `login` is `user:password`.
    """

    def __init__(self, names: Mapping[str, str], *, login: str | None = None, address: str = "127.0.0.1") -> None:
        self.asked: list[str] = []
        self.refused = 0
        self._names = names
        self._proof = f"Basic {base64.b64encode(login.encode()).decode()}" if login else None
        self._server = socket.create_server((address, 0))
        self.port: int = self._server.getsockname()[1]
        self.url = f"http://{login + '@' if login else ''}{address}:{self.port}"

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._handle, args=(client,), daemon=True).start()

    def close(self) -> None:
        # Closing alone does not wake who waits in accept.
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _handle(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError, ValueError):
            head = b""
            while b"\r\n\r\n" not in head:
                piece = client.recv(65536)
                if not piece:
                    return
                head += piece
            head, _, rest = head.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            method, target, version = first.split(" ")
            headers = [line.split(": ", 1) for line in lines]
            said = {name.lower(): value for name, value in headers}
            if self._proof and said.get("proxy-authorization") != self._proof:
                self.refused += 1
                client.sendall(_WANTS_LOGIN)
                return
            self.asked.append(f"{method} {target}")
            url = urlsplit(target if method != "CONNECT" else f"//{target}")
            place = f"{url.hostname}:{url.port or 80}"
            host, _, port = self._names.get(place, place).rpartition(":")
            with socket.create_connection((host, int(port)), timeout=10) as server:
                if method == "CONNECT":
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                else:
                    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
                    # One request for each connection: the next may be for another host.
                    kept = [
                        f"{name}: {value}"
                        for name, value in headers
                        if name.lower() not in ("proxy-authorization", "proxy-connection", "connection")
                    ]
                    head = "\r\n".join([f"{method} {path} {version}", *kept, "Connection: close", "", ""]).encode()
                    server.sendall(head)
                server.sendall(rest)
                server.settimeout(None)
                back = threading.Thread(target=_copy, args=(server, client), daemon=True)
                back.start()
                _copy(client, server)
                back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def running(
    names: Mapping[str, str], *, login: str | None = None, address: str = "127.0.0.1"
) -> Iterator[ForwardProxy]:
    proxy = ForwardProxy(names, login=login, address=address)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()
