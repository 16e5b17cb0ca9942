"""Remembers which images were found right, so that a run that changed nothing reads no layer again.

A digest stands for its content for ever, so nothing here grows old. The file may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from farm import platforms
from farm.registry.verify import Checked

_KEPT = 2000
_VERSION = 1


def load(path: Path) -> dict[str, Checked]:
    """Everything remembered, by digest, oldest first. A missing or broken file remembers nothing."""
    try:
        document = json.loads(path.read_bytes())
        if document["version"] != _VERSION:
            return {}
        return {digest: _checked(digest, entry) for digest, entry in document["images"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def store(path: Path, found: Iterable[Checked]) -> None:
    """Add results, keeping what other runs have added meanwhile and dropping the oldest beyond 2000.

    The file is replaced in one step, so a run that is killed leaves the old one. Raises OSError where the directory
    cannot be written.
    """
    images = load(path)
    for checked in found:
        images.pop(checked.digest, None)
        images[checked.digest] = checked
    kept = dict(list(images.items())[-_KEPT:])
    document = {"version": _VERSION, "images": {digest: _entry(checked) for digest, checked in kept.items()}}
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=1)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _entry(checked: Checked) -> dict[str, str | None]:
    return {
        "platform": str(checked.platform),
        "elf": checked.elf,
        "program": checked.program,
        "note": checked.note,
    }


def _checked(digest: str, entry: Mapping[str, str | None]) -> Checked:
    return Checked(
        platform=platforms.parse(str(entry["platform"])),
        digest=digest,
        elf=entry["elf"],
        program=entry["program"],
        note=entry["note"] or "",
    )
