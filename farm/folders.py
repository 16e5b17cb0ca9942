"""Folders of farm's own: nobody else may enter them, and they can be deleted whatever a stranger has put into them."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are not there, for this user alone, whatever the umask. Raises OSError."""
    for each in (*reversed(folder.parents), folder):
        if not each.is_dir():
            each.mkdir(mode=0o700, exist_ok=True)


def remove(folder: Path) -> None:
    """Delete a folder and all in it as far as that can be done; one that is not there is no error.

    shutil goes down by recursion and by ever longer paths, and so not into a thousand folders one in the other, as a
    repository may hold them: the next run would fail at them again. Here each folder is first brought to the top.
    """
    if folder.is_symlink() or not folder.is_dir():
        return
    waiting = [folder]
    emptied: list[Path] = []
    while waiting:
        here = waiting.pop()
        emptied.append(here)
        waiting += _emptied(here, folder)
    for each in reversed(emptied):
        with contextlib.suppress(OSError):
            each.rmdir()


def _emptied(here: Path, top: Path) -> list[Path]:
    """Delete the files of a folder; the folders in it, which lie in `top` now."""
    inner: list[Path] = []
    with contextlib.suppress(OSError):
        # An image may hold folders that their owner may not write to.
        here.chmod(stat.S_IRWXU)
    with contextlib.suppress(OSError), os.scandir(here) as entries:
        for entry in list(entries):
            with contextlib.suppress(OSError):
                if not entry.is_dir(follow_symlinks=False):
                    Path(entry.path).unlink()
                elif here == top:
                    inner.append(Path(entry.path))
                else:
                    inner.append(Path(entry.path).rename(top / f"{secrets.token_hex(8)}.removed"))
    return inner
