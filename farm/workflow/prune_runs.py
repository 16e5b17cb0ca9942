"""Deletes the logs of old runs. What the history knows of them stays: the next builds learn from it."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from farm import folders
from farm.workflow.run import state_home

# A build that is silent is given up after a quarter of an hour, so that a run without a word for so long has ended.
_SILENT = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsPruned:
    """The runs whose logs are gone, or would be: by name, with the bytes and the inodes that they took."""

    runs: tuple[str, ...] = ()
    freed: int = 0
    inodes: int = 0


def prune_runs(keep: int, *, dry_run: bool = False, home: Path | None = None) -> RunsPruned:
    """Delete the logs of all but the `keep` newest runs, and of none that may still go on.

    `home` is farm's folder for such things. What cannot be deleted stays, and is not counted.
    """
    runs = (home or state_home()) / "runs"
    try:
        # A run's name begins with its start.
        there = sorted(entry.name for entry in os.scandir(runs) if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return RunsPruned()
    gone: list[str] = []
    freed = inodes = 0
    for name in there[: max(0, len(there) - keep)]:
        folder = runs / name
        size, count, newest = _measured(folder)
        if time.time() - newest < _SILENT:
            continue
        if not dry_run:
            folders.remove(folder)
        if dry_run or not folder.exists():
            gone.append(name)
            freed += size
            inodes += count
    return RunsPruned(runs=tuple(gone), freed=freed, inodes=inodes)


def _measured(folder: Path) -> tuple[int, int, float]:
    """The bytes and inodes that a folder takes, and when something in it was last written."""
    size, count, newest = 0, 0, 0.0
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        with contextlib.suppress(OSError):
            found = here.lstat()
            size, count, newest = size + found.st_blocks * 512, count + 1, max(newest, found.st_mtime)
            if here.is_dir() and not here.is_symlink():
                waiting += here.iterdir()
    return size, count, newest
