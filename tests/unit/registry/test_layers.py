from __future__ import annotations

import gzip
import io
import tarfile
import tracemalloc

import pytest

from farm.errors import VerificationError
from farm.registry.layers import Executable, Link, UnreadableLayerError, walk

LONG = "d/" * 120 + "program"


def archive(kind: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as tar:

        def add(
            name: str, content: bytes = b"", mode: int = 0o755, type_: bytes = tarfile.REGTYPE, link: str = ""
        ) -> None:
            item = tarfile.TarInfo(name)
            item.size, item.mode, item.type, item.linkname = len(content), mode, type_, link
            tar.addfile(item, io.BytesIO(content))

        add("./bin", type_=tarfile.DIRTYPE)
        add("./bin/a", b"A" * 200)
        add("readme", b"text", mode=0o644)
        add("bin/b", type_=tarfile.SYMTYPE, link="a")
        add("bin/c", type_=tarfile.LNKTYPE, link="bin/a")
        add("bin/.wh.gone", b"")
        add(LONG, b"short")
    return buffer.getvalue()


EXPECTED = [
    Executable(path="bin/a", head=b"A" * 64),
    Link(path="bin/b", target="a", is_hard=False),
    Link(path="bin/c", target="bin/a", is_hard=True),
    Executable(path=LONG, head=b"short"),
]


def feed(data: bytes, size: int) -> list[Executable | Link]:
    pieces = iter([data[start : start + size] for start in range(0, len(data), size)])
    return list(walk(lambda: next(pieces, b"")))


@pytest.mark.parametrize("size", [1000, 512, 100_000])
@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_a_plain_layer(size: int, kind: int) -> None:
    assert feed(archive(kind), size) == EXPECTED


def test_a_gzip_layer_in_small_pieces() -> None:
    assert feed(gzip.compress(archive()), 7) == EXPECTED


def test_a_layer_of_several_gzip_members_is_read_to_its_end() -> None:
    plain = archive()
    members = [gzip.compress(plain[start : start + 700]) for start in range(0, len(plain), 700)]
    assert feed(b"".join(members), 1000) == EXPECTED


def test_reading_stops_where_nobody_asks_any_more() -> None:
    pieces = iter([archive()] + [bytes(10240)] * 100)
    next(walk(lambda: next(pieces)))
    assert len(list(pieces)) > 95


def test_zstd_is_named_where_there_is_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.import_module", _no_library)
    with pytest.raises(UnreadableLayerError, match="zstd"):
        feed(b"\x28\xb5\x2f\xfd" + bytes(100), 50)


def _no_library(name: str) -> object:
    raise ImportError(name)


@pytest.mark.parametrize(
    "data", [b"not a tar at all" * 100, archive()[:1100], gzip.compress(archive())[:-400] + bytes(400)]
)
def test_what_is_no_layer_is_a_verification_error(data: bytes) -> None:
    with pytest.raises(VerificationError, match="not a tar archive"):
        feed(data, 100)


def test_an_empty_layer_has_no_files() -> None:
    assert feed(bytes(10240), 512) == []


def header(kind: bytes, size: int = 0) -> bytes:
    item = tarfile.TarInfo("x")
    item.type, item.size, item.mode = kind, size, 0o755
    return item.tobuf(tarfile.USTAR_FORMAT)


def extended(text: bytes) -> bytes:
    return header(tarfile.XHDTYPE, len(text)) + text.ljust(512, b"\0") + header(tarfile.REGTYPE) + bytes(1024)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_a_header_that_would_take_all_memory_is_not_read(kind: bytes) -> None:
    pieces = iter([header(kind, 4 << 30)] + [bytes(10240)] * 1000)
    with pytest.raises(UnreadableLayerError, match="a header of 4294967296 bytes"):
        list(walk(lambda: next(pieces)))
    assert len(list(pieces)) > 995


def test_headers_without_end_are_not_followed() -> None:
    with pytest.raises(UnreadableLayerError, match="too many headers"):
        feed((header(tarfile.XHDTYPE, 12) + b"12 a=bcdefg\n".ljust(512, b"\0")) * 5000, 10240)


@pytest.mark.parametrize(
    "record", [b"26 GNU.sparse.map=a,b,c,d\n", b"21 GNU.sparse.size=x\n", b"17 size=-1000000\n", b"x y=z\n", b"5 =\n\n"]
)
def test_a_header_that_makes_no_sense_is_no_programming_error(record: bytes) -> None:
    try:
        feed(extended(record), 512)
    except (VerificationError, UnreadableLayerError):
        return


def test_what_unpacks_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("farm.registry.layers._MOST_PLAIN", 8 << 20)
    bomb = gzip.compress(header(tarfile.REGTYPE, 1 << 30) + bytes(64 << 20))
    assert len(bomb) < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableLayerError, match="unpacks to more than"):
            feed(bomb, 1 << 16)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20
