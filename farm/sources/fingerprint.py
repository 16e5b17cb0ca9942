"""What a context's files look like at one moment, to notice a directory that changes while nodes build from it."""

from __future__ import annotations

import asyncio
import os
import stat
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from farm.errors import UsageError
from farm.sources.ignore import Ignore, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """What tells one state of a file from another: mode with type, size in bytes, time of change in nanoseconds."""

    mode: int
    size: int
    changed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """Every file, link and directory that is sent, by its path in the context."""

    files: Mapping[str, File]

    @property
    def size(self) -> int:
        """Bytes in all regular files."""
        return sum(file.size for file in self.files.values() if stat.S_ISREG(file.mode))

    @property
    def count(self) -> int:
        """The number of regular files."""
        return sum(1 for file in self.files.values() if stat.S_ISREG(file.mode))


async def take(root: Path, ignore: Ignore, also: Sequence[Path] = ()) -> Fingerprint:
    """Look at every file that the ignore patterns let through, and at the files `also` (the Dockerfile).

    Runs in a thread, which ends at once where the task is cancelled. Raises UsageError for a directory that cannot be
    read: buildx could not send it either.
    """
    stop = threading.Event()
    try:
        files = await asyncio.to_thread(_all, root, ignore, also, stop)
    finally:
        stop.set()
    return Fingerprint(files=files)


def changes(before: Fingerprint, after: Fingerprint) -> tuple[str, ...]:
    """The paths that came, went or changed, sorted."""
    paths = before.files.keys() | after.files.keys()
    return tuple(sorted(path for path in paths if before.files.get(path) != after.files.get(path)))


def _all(root: Path, ignore: Ignore, also: Sequence[Path], stop: threading.Event) -> dict[str, File]:
    files = dict(_walk(str(root), ignore, stop))
    for path in also:
        try:
            files[str(path)] = _file(path.stat())
        except OSError:
            continue
    return files


def _walk(root: str, ignore: Ignore, stop: threading.Event) -> Iterator[tuple[str, File]]:
    # Not by recursion: a stranger's folders may be nested deeper than Python's calls.
    waiting: list[tuple[str, Verdict | None]] = [("", None)]
    while waiting:
        directory, above = waiting.pop()
        for entry in _entries(root, directory):
            if stop.is_set():
                return
            path = f"{directory}/{entry.name}" if directory else entry.name
            verdict = ignore.judge(path, above)
            is_directory = entry.is_dir(follow_symlinks=False)
            if not verdict.is_ignored:
                try:
                    yield path, _file(entry.stat(follow_symlinks=False))
                except FileNotFoundError:
                    continue
            if is_directory and (not verdict.is_ignored or ignore.may_hold_exceptions(path)):
                waiting.append((path, verdict))


def _entries(root: str, directory: str) -> list[os.DirEntry[str]]:
    """What a directory holds: nothing where it has gone meanwhile."""
    try:
        with os.scandir(os.path.join(root, directory)) as entries:  # noqa: PTH118  # a Path per file costs most of the time
            return list(entries)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(
            f"context {root}: {directory or '.'} cannot be read: {error.strerror}",
            fix="give yourself the right to read it, or name it in .dockerignore",
        ) from error


def _file(found: os.stat_result) -> File:
    if stat.S_ISDIR(found.st_mode):  # its size and time say only that something in it came or went
        return File(mode=found.st_mode, size=0, changed=0)
    return File(mode=found.st_mode, size=found.st_size, changed=found.st_mtime_ns)
