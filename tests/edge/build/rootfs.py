"""A small root file system out of this machine's own programs: what a base image needs so that RUN can run."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

PROGRAMS = ("sh", "cat", "date", "sleep", "head", "tail")


def make(folder: Path) -> None:
    """Copy the programs and their libraries, each to where it is here."""
    for name in PROGRAMS:
        program = shutil.which(name)
        assert program, f"no {name} on this machine"
        _copy(Path(program), folder / "bin" / name)
        needed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        for library in re.findall(r"(/\S+) \(0x", needed):
            _copy(Path(library), folder / library.lstrip("/"))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)
