"""One thing that a node needs: how to see whether it is there, and how to bring it about. Data, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

State = Literal["right", "changed", "wanted", "reboot", "by hand"]
"""How a step stands: nothing to do, done now, to be done (with `--dry-run`), done but of effect only after a restart of
the board, or nothing that farm can do there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file of the coordinator, and where root's copy of it lies on the node while the step is applied."""

    source: Path
    sha256: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`name` is stable and unique on a node; `describe` says in words what `apply` does.

    `check` and `apply` are bodies of POSIX shell scripts, run as root (`script` says in which words they answer).
    `interrupts` says that it ends builds that run on the node. `within` is in seconds.
    """

    name: str
    describe: str
    check: str
    apply: str
    uploads: tuple[Upload, ...] = ()
    interrupts: bool = False
    within: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a step ended on a node; `reason` is what the check found, empty where all was right."""

    node: str
    step: str
    state: State
    describe: str
    reason: str = ""
