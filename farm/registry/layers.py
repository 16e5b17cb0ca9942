"""The files of an image's layer, read from the stream of its bytes as far as somebody wants to know.

A layer is a tar archive, plain or compressed (OCI image specification, layer.md). Compression is told from the first
bytes, for media types are sometimes wrong.
"""

from __future__ import annotations

import importlib
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO, Protocol, Self, cast

from farm import elf
from farm.errors import VerificationError
from farm.registry.feed import Read

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_WHITEOUT = ".wh."
# A file's extended attributes are at most 64 KiB each (xattr(7)), and its names at most 4 KiB.
_LONGEST_HEADER = 1 << 20
_LONG_HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
# Of what a layer unpacks to: a few kilobytes can stand for terabytes of zeros.
_MOST_PLAIN = 4 << 30
# What is unpacked at a time, so that it is not much more than is asked for.
_PIECE = 1024


class UnreadableLayerError(Exception):
    """A layer whose compression this Python has no library for, or that is made to take all memory or time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Executable:
    """A file that may be run: its path from the root, without a leading slash, and its first bytes."""

    path: str
    head: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A second name: `target` is as written, relative to the link's own directory, or for `is_hard` to the root."""

    path: str
    target: str
    is_hard: bool


def walk(read: Read) -> Iterator[Executable | Link]:
    """The executables and links of a layer, in the archive's order.

    Raises UnreadableLayerError, or VerificationError where the bytes are not a layer at all.
    """
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", _Unpacked(read)), mode="r|", tarinfo=_Header) as archive:
            for member in archive:
                archive.members = []  # type: ignore[attr-defined]  # else tarfile keeps every header of a large layer
                path = member.name.removeprefix("./").strip("/")
                if path.rpartition("/")[2].startswith(_WHITEOUT):
                    continue
                if member.issym() or member.islnk():
                    yield Link(path=path, target=member.linkname, is_hard=member.islnk())
                elif member.isreg() and member.mode & 0o111 and (file := archive.extractfile(member)):
                    yield Executable(path=path, head=file.read(elf.HEADER))
    except RecursionError as error:
        raise UnreadableLayerError("it has too many headers in a row") from error
    except (tarfile.TarError, zlib.error, EOFError, ValueError, OverflowError) as error:
        raise VerificationError(f"the registry holds a layer that is not a tar archive: {error}") from error


class _Header(tarfile.TarInfo):
    """A header; the long ones, which tarfile reads whole, within bounds."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.type in _LONG_HEADERS and header.size > _LONGEST_HEADER:
            raise UnreadableLayerError(f"it has a header of {header.size} bytes")
        return header


class _Decompressor(Protocol):
    """What zlib's and zstd's decompressors have in common. Both end with a frame; more may follow."""

    @property
    def unused_data(self) -> bytes:
        """What came after the end of the frame."""

    @property
    def eof(self) -> bool:
        """Whether the frame has ended."""

    def decompress(self, data: bytes, /) -> bytes:
        """The next plain bytes."""


class _Unpacked:
    """The plain bytes of a stream as a file for tarfile. Several gzip members in a row (eStargz) are one stream."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._packed = memoryview(b"")
        self._plain = bytearray()
        self._total = 0
        self._make: Callable[[], _Decompressor] | None = None
        self._state: _Decompressor | None = None
        self._has_begun = False

    def read(self, size: int) -> bytes:
        """At most `size` bytes; fewer only at the end. Raises UnreadableLayerError where there are too many."""
        while len(self._plain) < size and (self._packed or self._has_more()):
            before = len(self._plain)
            self._unpack()
            self._total += len(self._plain) - before
            if self._total > _MOST_PLAIN:
                raise UnreadableLayerError(f"it unpacks to more than {_MOST_PLAIN >> 30} GiB")
        taken = bytes(self._plain[:size])
        del self._plain[:size]
        return taken

    def _has_more(self) -> bool:
        data = self._read()
        if data and not self._has_begun:
            self._has_begun = True
            self._make = _decompressor(data)
        self._packed = memoryview(data)
        return bool(data)

    def _unpack(self) -> None:
        if not self._make:
            self._plain += self._packed
            self._packed = memoryview(b"")
            return
        data, self._packed = bytes(self._packed[:_PIECE]), self._packed[_PIECE:]
        while data:
            if not self._state or self._state.eof:
                self._state = self._make()
            self._plain += self._state.decompress(data)
            data = self._state.unused_data if self._state.eof else b""


def _decompressor(head: bytes) -> Callable[[], _Decompressor] | None:
    if head.startswith(_GZIP):
        return partial(zlib.decompressobj, zlib.MAX_WBITS | 16)
    if head.startswith(_ZSTD):
        # In Python's own library from 3.14 on; the backport has the same names.
        for name in ("compression.zstd", "backports.zstd"):
            try:
                return cast("Callable[[], _Decompressor]", importlib.import_module(name).ZstdDecompressor)
            except ImportError:
                continue
        raise UnreadableLayerError("it is compressed with zstd, for which this Python has no library")
    return None
