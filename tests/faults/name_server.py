"""A name server that fails on demand: real DNS answers for one name, on a loopback address of its own."""

from __future__ import annotations

import secrets
import socket
import threading
from types import TracebackType
from typing import Self

# RFC 1035, 4.1.1: an answer (QR) to a recursive question (RD, RA), and the codes of section 4.1.1.
_ANSWER, _SERVER_FAILURE, _NO_SUCH_NAME = 0x8180, 2, 3
_TYPE_A = 1


class NameServer:
    """Knows `name` as 127.0.0.1; while `fails` is set it answers with a server failure, as a router without a line."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.fails = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # Two of them may be at work on one machine.
        self._address = f"127.77.{secrets.randbelow(256)}.{1 + secrets.randbelow(254)}"
        self._socket.bind((self._address, 53))
        self._thread = threading.Thread(target=self._serve)

    @property
    def resolver(self) -> str:
        """The words of /etc/resolv.conf that lead here."""
        return f"nameserver {self._address}\noptions timeout:1 attempts:1\n"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
            ending.sendto(b"", (self._address, 53))
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            question, sender = self._socket.recvfrom(4096)
            if not question:
                return
            self._socket.sendto(self._answer(question), sender)

    def _answer(self, question: bytes) -> bytes:
        labels, place = [], 12
        while length := question[place]:
            labels.append(question[place + 1 : place + 1 + length].decode())
            place += length + 1
        wanted = int.from_bytes(question[place + 1 : place + 3], "big")
        is_ours = ".".join(labels).lower() == self.name
        code, answers = 0, b""
        if self.fails:
            code = _SERVER_FAILURE
        elif not is_ours:
            code = _NO_SUCH_NAME
        elif wanted == _TYPE_A:
            # The name is the question's own (a pointer to its place), the class IN, to be kept for no time.
            answers = b"\xc0\x0c\x00\x01\x00\x01" + bytes(4) + b"\x00\x04" + bytes((127, 0, 0, 1))
        counts = b"\x00\x01" + (b"\x00\x01" if answers else b"\x00\x00") + bytes(4)
        return question[:2] + (_ANSWER | code).to_bytes(2, "big") + counts + question[12 : place + 5] + answers
