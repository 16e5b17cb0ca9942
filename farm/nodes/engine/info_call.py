"""The question "which BuildKit are you?" as bytes, and what its answer means. Pure.

One gRPC call, `moby.buildkit.v1.Control/Info` (BuildKit 0.11 and later, api/services/control/control.proto), spelt out
as HTTP/2 frames (RFC 9113): a gRPC library would be the largest thing that farm depends on, for this one question.
"""

from __future__ import annotations

from collections.abc import Iterator

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _GOAWAY = 0x0, 0x1, 0x3, 0x4, 0x7
_END_STREAM, _END_HEADERS = 0x1, 0x4
_STREAM = 1
# An answer is some 200 bytes; whatever sends more than this is not giving one.
MOST_BYTES = 65536


class NotBuildKitError(Exception):
    """What is behind the socket is not a BuildKit that answers; the message says in words what it did instead."""

    def __init__(self, what: str, *, fix: str = "restart buildkitd on the node and look into its log") -> None:
        super().__init__(what)
        self.fix = fix


class SpeaksHttpError(NotBuildKitError):
    """It answers in HTTP/1.1, as a Docker Engine older than 29.2 does, whose BuildKit must be asked for first."""


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _header(name: str, value: str) -> bytes:
    """A header field in its plainest form: literal, never indexed, not compressed (RFC 7541, 6.2.2)."""
    return b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


_HEADER_BLOCK = b"".join(
    _header(name, value)
    for name, value in (
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/moby.buildkit.v1.Control/Info"),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    )
)
# A gRPC message is a byte for "not compressed" and four for its length; InfoRequest has no fields.
REQUEST = (
    _PREFACE
    + _frame(_SETTINGS, 0, 0, b"")
    + _frame(_HEADERS, _END_HEADERS, _STREAM, _HEADER_BLOCK)
    + _frame(_DATA, _END_STREAM, _STREAM, bytes(5))
)

UNKNOWN = "it answers, but not as BuildKit 0.11 or newer"
_HTTP = "it answers HTTP/1.1, as a Docker Engine older than 29.2 does, where BuildKit speaks HTTP/2"


def answer(received: bytes) -> str | None:
    """The version in what was received so far; None if more must come.

    Raises NotBuildKitError if none can come, SpeaksHttpError among them.
    """
    if received[:5] == b"HTTP/"[: len(received[:5])]:
        if len(received) < 5:
            return None
        raise SpeaksHttpError(_HTTP)
    message = b""
    for position, (kind, flags, stream, payload) in enumerate(_frames(received)):
        if position == 0 and kind != _SETTINGS:
            raise NotBuildKitError("it speaks something else than HTTP/2")
        if kind == _GOAWAY or (kind == _RST_STREAM and stream == _STREAM):
            raise NotBuildKitError(UNKNOWN)
        if kind == _DATA and stream == _STREAM:
            message += payload
        if stream == _STREAM and flags & _END_STREAM and kind in (_DATA, _HEADERS):
            found = _version_field(message[5:])
            if found is None:
                raise NotBuildKitError(UNKNOWN)
            return found
    return None


def _frames(received: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """The complete frames: kind, flags, stream, payload."""
    start = 0
    while len(received) - start >= 9:
        size = int.from_bytes(received[start : start + 3], "big")
        if start == 0 and size > MOST_BYTES:
            raise NotBuildKitError("it speaks something else than HTTP/2")
        if len(received) - start - 9 < size:
            return
        stream = int.from_bytes(received[start + 5 : start + 9], "big") & 0x7FFFFFFF
        yield received[start + 3], received[start + 4], stream, received[start + 9 : start + 9 + size]
        start += 9 + size


def _version_field(info: bytes) -> str | None:
    """Field 2 (version) of field 1 (buildkitVersion) of an InfoResponse."""
    inner = _field(info, 1)
    found = _field(inner, 2) if inner is not None else None
    return found.decode("utf-8", "replace") if found is not None else None


def _field(message: bytes, number: int) -> bytes | None:
    """A length-delimited field of a protobuf message whose fields are all of that kind; None if it is not there."""
    start = 0
    while start + 1 < len(message):
        key, start = _varint(message, start)
        size, start = _varint(message, start)
        if key & 7 != 2:
            return None
        if key >> 3 == number:
            return message[start : start + size]
        start += size
    return None


def _varint(message: bytes, start: int) -> tuple[int, int]:
    value = shift = 0
    while start < len(message):
        byte = message[start]
        start += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return value, start
