"""What the suite measures of each fault, as JSON lines: the tables in docs/reliability.md are made of them."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.faults import own_registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """When and with what a file of measurements was made; its first line."""

    date: str
    commit: str
    machine: str
    programs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One fault and what farm made of it.

    `group` and `fault` say what was done, `outcome` what happened. `noticed` are the seconds from the fault to farm's
    first word about it (None where it never had to say one), `ended` those to the end of the run.
    """

    group: str
    fault: str
    outcome: str
    exit_code: int
    noticed: float | None
    ended: float


class Measurements:
    """Keeps them in a file, if there is one; every line is written at once."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        if file is not None and not file.exists():
            file.write_text(json.dumps(asdict(_surroundings())) + "\n")

    def add(self, measurement: Measurement) -> None:
        if self._file is not None:
            with self._file.open("a") as lines:
                lines.write(json.dumps(asdict(measurement)) + "\n")


def read(file: Path) -> tuple[Surroundings, list[Measurement]]:
    first, *others = file.read_text().splitlines()
    return Surroundings(**json.loads(first)), [Measurement(**json.loads(line)) for line in others]


def _surroundings() -> Surroundings:
    tools = Path(sys.executable).parent
    asked: tuple[list[str | Path], ...] = (
        [tools / "buildkitd", "--version"],
        [tools / "buildx", "version"],
        [own_registry.program(), "--version"],
    )
    return Surroundings(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        commit=_said(["git", "rev-parse", "--short", "HEAD"]),
        machine=f"{os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}",
        programs=tuple(" ".join(_said(argv).split()[:3]).rpartition("/")[2] for argv in asked),
    )


def _said(argv: list[str | Path]) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True, cwd=Path(__file__).parent).stdout.strip()
