"""What earlier nights came to, one small file each: for whom it is the third bad night, and what is usual."""

from __future__ import annotations

import contextlib
import json
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from farm import folders
from farm.notify.night import Night

KEPT = 120
COORDINATOR = "coordinator"
"""The name under which the coordinator's own disk is told of."""
_USUAL_OF = 10
_LARGEST = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What became of one image, in `farm.notify.night.State`'s words, and how many seconds that took."""

    state: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One night: its images by name, the nodes that were asked, those of them that were missing and since when, and
    whose disks were nearly full."""

    images: Mapping[str, Line] = field(default_factory=dict)
    asked: tuple[str, ...] = ()
    missing: Mapping[str, datetime | None] = field(default_factory=dict)
    short: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The pages of earlier nights, the newest first."""

    pages: Sequence[Page] = ()

    @property
    def missing(self) -> dict[str, datetime | None]:
        """The nodes that were missing when they were last asked, and since when; a night without news asks nobody."""
        found: dict[str, datetime | None] = {}
        for page in reversed(self.pages):
            found = {node: since for node, since in found.items() if node not in page.asked} | dict(page.missing)
        return found

    @property
    def short(self) -> set[str]:
        """Whose disks were nearly full when that was last looked at; the coordinator's own is every night."""
        found: set[str] = set()
        for page in reversed(self.pages):
            found = {where for where in found if where not in (*page.asked, COORDINATOR)} | set(page.short)
        return found

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
        """Whether the last night that was to see to it did not get to it."""
        lines = (page.images[image] for page in self.pages if image in page.images)
        return next((line.state == "postponed" for line in lines), False)


def read(folder: Path) -> Ledger:
    """All nights that are written down; what cannot be read is as if it had not been."""
    pages = []
    with contextlib.suppress(OSError):
        for file in reversed(_pages(folder)):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                if file.stat().st_size <= _LARGEST:
                    pages.append(_page(json.loads(file.read_text())))
    return Ledger(pages=pages)


def write(folder: Path, night: Night) -> None:
    """Write one night down, and drop the oldest beyond 120. Raises OSError.

    Nights are numbered: a clock that jumps must not bring them out of order.
    """
    folders.make_private(folder)
    last = max((int(file.name.partition("-")[0]) for file in _pages(folder)), default=0)
    name = f"{last + 1:08d}-{night.started:%Y%m%d-%H%M%S}"
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
        "asked": list(night.asked),
        "missing": {node.node: node.since.isoformat() if node.since else None for node in night.missing},
        "short": {disk.where: disk.left for disk in night.short},
        "warnings": list(night.warnings),
    }
    part = folder / f".{name}.part"
    part.write_text(json.dumps(document, indent=2) + "\n")
    part.replace(folder / f"{name}.json")
    for old in _pages(folder)[:-KEPT]:
        old.unlink(missing_ok=True)


def _pages(folder: Path) -> list[Path]:
    """The files of nights, the oldest first."""
    return sorted(file for file in folder.glob("*.json") if re.fullmatch(r"[0-9]{8}-.*", file.name))


def _page(document: Mapping[str, object]) -> Page:
    images, missing, short = document["images"], document["missing"], document["short"]
    asked = document["asked"]
    if not (isinstance(images, dict) and isinstance(missing, dict) and isinstance(short, dict)):
        raise TypeError
    if not isinstance(asked, list):
        raise TypeError
    return Page(
        images={
            str(name): Line(state=str(line["state"]), seconds=float(line["seconds"])) for name, line in images.items()
        },
        asked=tuple(str(node) for node in asked),
        missing={str(node): datetime.fromisoformat(since) if since else None for node, since in missing.items()},
        short=tuple(str(where) for where in short),
    )
