"""The new file: whole or not at all, and never in the place of another one by accident."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from farm.errors import UsageError


def check(path: Path, *, force: bool) -> None:
    """Raises UsageError where a file is there already and may not be replaced, or none can be made there."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder", fix=f"did you mean {path / 'inventory.yaml'}?")
    if not force and (path.exists() or path.is_symlink()):
        raise _exists(path)
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}", fix="make it, or name another file with -i")


def write(path: Path, text: str, *, force: bool) -> None:
    """Write it; a crash leaves no half file, and one that appeared meanwhile stays. Raises UsageError."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with fresh.open("x", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        if force:
            fresh.replace(path.resolve())
        else:
            # Unlike a rename, a link takes nobody's place.
            os.link(fresh, path)
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", fix="name another file with -i") from error
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink()


def _exists(path: Path) -> UsageError:
    return UsageError(f"{path} is there already", fix="name another file with -i, or replace it with --force")
