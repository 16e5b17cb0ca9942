"""What earlier nights came to, one small file each: for whom it is the third bad night, and what is usual."""

from __future__ import annotations

import contextlib
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from farm import folders
from farm.notify.night import Night

KEPT = 120
_USUAL_OF = 10
_LARGEST = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What became of one image, in `farm.notify.night.State`'s words, and how many seconds that took."""

    state: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One night: its images by name, the nodes that were missing and since when, and whose disks were nearly full."""

    images: Mapping[str, Line] = field(default_factory=dict)
    missing: Mapping[str, datetime | None] = field(default_factory=dict)
    short: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The pages of earlier nights, the newest first."""

    pages: Sequence[Page] = ()

    @property
    def last(self) -> Page:
        """The night before; an empty one where there was none."""
        return self.pages[0] if self.pages else Page()

    def failures(self, image: str) -> int:
        """In how many nights in a row before this one the image failed; nights that did not get to it do not count."""
        count = 0
        for page in self.pages:
            line = page.images.get(image)
            if line is None or line.state == "postponed":
                continue
            if line.state != "failed":
                break
            count += 1
        return count

    def usual(self, image: str) -> float | None:
        """Seconds that the image usually takes where it is built; None where it never was."""
        built = [
            line.seconds
            for page in self.pages
            if (line := page.images.get(image)) and line.state in ("built", "identical")
        ]
        return statistics.median(built[:_USUAL_OF]) if built else None

    def was_postponed(self, image: str) -> bool:
        """Whether the last night did not get to it."""
        line = self.last.images.get(image)
        return line is not None and line.state == "postponed"


def read(folder: Path) -> Ledger:
    """All nights that are written down; what cannot be read is as if it had not been."""
    pages = []
    with contextlib.suppress(OSError):
        for file in sorted(folder.glob("*.json"), reverse=True):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                if file.stat().st_size <= _LARGEST:
                    pages.append(_page(json.loads(file.read_text())))
    return Ledger(pages=pages)


def write(folder: Path, name: str, night: Night) -> None:
    """Write one night down, and drop the oldest beyond 120. `name` sorts by time. Raises OSError."""
    folders.make_private(folder)
    document = {
        "started": night.started.isoformat(),
        "seconds": round(night.seconds, 3),
        "run": night.run,
        "error": night.error,
        "images": {
            image.name: {
                "state": image.state,
                "why": image.why,
                "seconds": round(image.seconds, 3),
                "references": list(image.references),
            }
            for image in night.images
        },
        "missing": {node.node: node.since.isoformat() if node.since else None for node in night.missing},
        "short": {disk.where: disk.left for disk in night.short},
        "warnings": list(night.warnings),
    }
    part = folder / f".{name}.part"
    part.write_text(json.dumps(document, indent=2) + "\n")
    part.replace(folder / f"{name}.json")
    for old in sorted(folder.glob("*.json"))[:-KEPT]:
        old.unlink(missing_ok=True)


def _page(document: Mapping[str, object]) -> Page:
    images, missing, short = document["images"], document["missing"], document["short"]
    if not isinstance(images, dict) or not isinstance(missing, dict) or not isinstance(short, dict):
        raise TypeError
    return Page(
        images={
            str(name): Line(state=str(line["state"]), seconds=float(line["seconds"])) for name, line in images.items()
        },
        missing={str(node): datetime.fromisoformat(since) if since else None for node, since in missing.items()},
        short=tuple(str(where) for where in short),
    )
