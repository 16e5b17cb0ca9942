"""The bytes of BuildKit's own question and answer, and of all that is not BuildKit."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.nodes.engine.info_call import MOST_BYTES, REQUEST, NotBuildKitError, answer

# The machine may be busy, and tests leave nothing behind.
SETTINGS = bytes.fromhex("000006040000000000 000500004000".replace(" ", ""))
SETTINGS_ACK = bytes.fromhex("000000040100000000")
PING = bytes.fromhex("000008060000000000 0204101009 0e0707".replace(" ", ""))


def frame(kind: int, flags: int, payload: bytes, stream: int = 1) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def field(number: int, value: bytes) -> bytes:
    assert len(value) < 128
    return bytes([number << 3 | 2, len(value)]) + value


def info(version: bytes) -> bytes:
    message = field(1, field(1, b"github.com/moby/buildkit") + field(2, version) + field(3, b"7b2d9e7"))
    return b"\x00" + len(message).to_bytes(4, "big") + message


HEADERS = frame(1, 0x4, b"\x88\x5f\x8b\x1d\x75")
TRAILERS = frame(1, 0x5, b"\x40\x89\x9a")
WHOLE = SETTINGS + SETTINGS_ACK + PING + HEADERS + frame(0, 0, info(b"v0.34.2")) + TRAILERS


def test_the_version_of_a_whole_answer() -> None:
    assert answer(WHOLE) == "v0.34.2"


def test_every_cut_answer_waits_for_more() -> None:
    assert [answer(WHOLE[:length]) for length in range(len(WHOLE))] == [None] * len(WHOLE)


def test_an_answer_in_several_pieces() -> None:
    message = info(b"v0.17.0")
    pieces = b"".join(frame(0, 0, message[at : at + 7]) for at in range(0, len(message), 7))
    assert answer(SETTINGS + HEADERS + pieces + TRAILERS) == "v0.17.0"


def test_an_answer_without_trailers() -> None:
    assert answer(SETTINGS + HEADERS + frame(0, 0x1, info(b"v0.34.2"))) == "v0.34.2"


def test_frames_of_other_streams_do_not_matter() -> None:
    assert answer(SETTINGS + frame(0, 0x1, b"other", stream=3) + WHOLE[len(SETTINGS) :]) == "v0.34.2"


def test_an_older_docker_engine_is_called_by_its_name() -> None:
    for length in range(5):
        assert answer(b"HTTP/1.1 400 Bad Request"[:length]) is None
    with pytest.raises(NotBuildKitError, match=r"HTTP/1\.1, as a Docker Engine older than 29\.2 does"):
        answer(b"HTTP/1.1 400 Bad Request\r\n")


@pytest.mark.parametrize(
    "received",
    [
        SETTINGS + TRAILERS,  # gRPC, but no such method: containerd, or BuildKit before 0.11
        SETTINGS + frame(3, 0, b"\x00\x00\x00\x07"),  # RST_STREAM
        SETTINGS + frame(7, 0, b"\x00" * 8, stream=0),  # GOAWAY
        SETTINGS + HEADERS + frame(0, 0x1, b"\x00\x00\x00\x00\x00"),  # an empty message
        SETTINGS + HEADERS + frame(0, 0x1, b"\x00\x00\x00\x00\x02\x08\x01"),  # another message
        SETTINGS + HEADERS + frame(0, 0x1, b"\x00\x00\x00\x00\x02\x0a\xff"),  # a broken one
    ],
)
def test_grpc_that_is_not_buildkit(received: bytes) -> None:
    with pytest.raises(NotBuildKitError, match=r"not as BuildKit 0\.11 or newer"):
        answer(received)


@pytest.mark.parametrize("received", [PING, b"SSH-2.0-OpenSSH_9.2\r\n", b"\xff" * 64])
def test_something_else_altogether(received: bytes) -> None:
    with pytest.raises(NotBuildKitError, match="something else than HTTP/2"):
        answer(received)


@given(st.sampled_from([b"", SETTINGS, SETTINGS + HEADERS]), st.binary(max_size=200))
def test_any_bytes_give_a_version_or_an_error_or_a_wait(before: bytes, received: bytes) -> None:
    with contextlib.suppress(NotBuildKitError):
        found = answer(before + received)
        assert found is None or isinstance(found, str)


def test_the_question_is_the_preface_and_three_frames() -> None:
    assert REQUEST.startswith(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert b"/moby.buildkit.v1.Control/Info" in REQUEST
    assert len(REQUEST) < MOST_BYTES
