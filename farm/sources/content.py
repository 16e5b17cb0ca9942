"""What the files of a context hold, as one hash: it stays the same where files were only written anew.

BuildKit does not count times of change either (cache/contenthash). To read all files takes longer than to look at
them (farm.sources.fingerprint), so that this is for contexts that are looked at night after night.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
import threading
from pathlib import Path

from farm.errors import UsageError
from farm.sources.fingerprint import File, Fingerprint

_PIECE = 1 << 20


async def digest(root: Path, files: Fingerprint) -> str:
    """One hash over paths, kinds, permissions and contents of all files that are sent, 64 hex digits.

    `files` were found in `root`; those beside it (the Dockerfile elsewhere) are left out. Runs in a thread, which ends
    at once where the task is cancelled. Raises UsageError for a file that cannot be read: buildx could not send it
    either.
    """
    stop = threading.Event()
    try:
        return await asyncio.to_thread(_digest, str(root), files, stop)
    finally:
        stop.set()


def _digest(root: str, files: Fingerprint, stop: threading.Event) -> str:
    whole = hashlib.sha256()
    for path, file in sorted(files.files.items()):
        if path.startswith("/"):
            continue
        try:
            inside = _inside(os.path.join(root, path), file, stop)  # noqa: PTH118 - a Path per file costs most of the time
        except OSError as error:
            raise UsageError(
                f"context {root}: {path} cannot be read: {error.strerror}",
                fix="give yourself the right to read it, or name it in .dockerignore",
            ) from error
        whole.update(f"{len(path)}:".encode() + os.fsencode(path) + f"\0{file.mode:o}\0".encode() + inside)
    return whole.hexdigest()


def _inside(place: str, file: File, stop: threading.Event) -> bytes:
    """What there is behind a name: where a link leads, or a hash over a file's bytes; of all else its kind says all."""
    if stat.S_ISLNK(file.mode):
        return hashlib.sha256(os.fsencode(os.readlink(place))).digest()  # noqa: PTH115 - as above
    if not stat.S_ISREG(file.mode):
        return b""
    found = hashlib.sha256()
    with open(place, "rb") as stream:  # noqa: PTH123 - as above
        while not stop.is_set() and (piece := stream.read(_PIECE)):
            found.update(piece)
    return found.digest()
