"""One command, timed from before it starts until it is gone."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


class FailedRunError(Exception):
    """A command that is to be measured failed; its last words are in the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """`began` is by the wall clock (seconds since 1970), `seconds` how long it took, `cpu` its own CPU seconds."""

    began: float
    seconds: float
    cpu: float
    stdout: str
    stderr: str


def run(argv: Sequence[str | Path], folder: Path, env: Mapping[str, str] | None = None) -> Timed:
    """Run a command whose output goes to files, so that nobody's reading slows it. Raises FailedRunError."""
    out, err = folder / "stdout", folder / "stderr"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        cpu = _children_cpu()
        began, start = time.time(), time.perf_counter()
        status = subprocess.call(
            argv, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env={**os.environ, **(env or {})}
        )
        seconds = time.perf_counter() - start
    done = Timed(
        began=began, seconds=seconds, cpu=_children_cpu() - cpu, stdout=out.read_text(), stderr=err.read_text()
    )
    if status != 0:
        tail = "\n".join((done.stderr or done.stdout).splitlines()[-5:])
        raise FailedRunError(f"{' '.join(str(word) for word in argv[:3])} ... ended with {status}:\n{tail}")
    return done


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
