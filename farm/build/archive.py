"""Writes an OCI layout as one tar file, from blobs that lie in the nodes' layouts."""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import secrets
import tarfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from farm.build.layout import Layout
from farm.errors import JoinFailedError

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})\Z")


class StoppedError(Exception):
    """Nobody waits for the archive any more."""


def blob(layout: Path, digest: str) -> Path:
    """Where a layout keeps a blob. Raises JoinFailedError for what is not a digest, such as a path out of it."""
    return layout / _name(digest)


def write(dest: Path, layout: Layout, places: Mapping[str, Path], stop: threading.Event) -> None:
    """Write the archive, the same bytes for the same layout, and put it at `dest` when it is whole.

    `places` says where each blob is; each is read once and checked. Raises JoinFailedError where one is not what its
    digest says, OSError where the archive cannot be written, StoppedError soon after `stop` is set.
    """
    dest.parent.mkdir(parents=True, exist_ok=True)
    with _draft(dest) as draft, tarfile.open(fileobj=draft, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in (
            ("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'),
            ("index.json", layout.index_json),
            (_name(layout.index_digest), layout.manifest),
        ):
            tar.addfile(_member(name, len(content)), io.BytesIO(content))
        for digest in sorted(layout.blobs):
            _add(tar, places[digest], digest, layout.blobs[digest], stop)


@contextlib.contextmanager
def _draft(dest: Path) -> Iterator[IO[bytes]]:
    draft = dest.with_name(f".{dest.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("xb") as file:
            yield file
        draft.replace(dest)
    finally:
        draft.unlink(missing_ok=True)


def _add(tar: tarfile.TarFile, place: Path, digest: str, size: int, stop: threading.Event) -> None:
    if place.stat().st_size != size:
        raise JoinFailedError(f"a node's output is not whole: {digest} has not {size} bytes", fix="try again")
    with place.open("rb") as file:
        content = _Hashed(file, stop)
        tar.addfile(_member(_name(digest), size), content)
    if content.digest != digest:
        raise JoinFailedError(f"a node's output is not whole: {digest} holds other bytes", fix="try again")


class _Hashed(io.RawIOBase):
    """A file that is hashed while somebody else reads it."""

    def __init__(self, file: IO[bytes], stop: threading.Event) -> None:
        self._file = file
        self._stop = stop
        self._hash = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if self._stop.is_set():
            raise StoppedError
        data = self._file.read(size)
        self._hash.update(data)
        return data

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


def _name(digest: str) -> str:
    match = _DIGEST.match(digest)
    if not match:
        raise JoinFailedError(f"a node's output names {digest!r}, which is not a SHA-256 digest")
    return f"blobs/sha256/{match[1]}"


def _member(name: str, size: int) -> tarfile.TarInfo:
    # Nothing of this machine and this hour: owner, mode and time are always the same.
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o444
    return info
