"""What can befall a node: its programs die, hang or come back. For the tests of what farm does then."""

import contextlib
import os
import signal
from pathlib import Path

from lab import account, place, processes, state
from lab.errors import LabError
from lab.node import Node
from lab.processes import Process
from lab.state import LabState
from lab.up import BIN


def kill(process: Process) -> None:
    """End a process without a word, as a crash or the kernel out of memory does. Raises LabError if it stays."""
    process.end(grace=0)


def freeze(init: Process) -> None:
    """Stop everything on a node at once: connections stay open and nothing answers, as on a board that hangs."""
    _signal(init, signal.SIGSTOP)


def thaw(init: Process) -> None:
    """Let a frozen node go on."""
    _signal(init, signal.SIGCONT)


def restart(directory: Path, name: str, role: str) -> LabState:
    """Start a node's ``sshd`` or ``buildkitd`` again after its end, and record it. Raises LabError."""
    where = place.at(directory)
    with place.lock(where.dir / "lock"):
        found = state.load(where.state)
        if found is None:
            raise LabError(f"no lab in {where.dir}")
        there = found.node(name)
        node = Node(
            place=where,
            shape=there.shape,
            port=there.port,
            registry_port=found.registry_port,
            who=account.current(),
            bin=BIN,
        )
        init = there.processes["init"]
        if role in there.processes:
            there.processes[role].end(grace=0)
        started = node.start_sshd(init) if role == "sshd" else node.start_buildkitd(init)
        found = found.with_process(name, role, started)
        state.save(found, where.state)
        return found


def _signal(init: Process, number: signal.Signals) -> None:
    for each in processes.family(init):
        with contextlib.suppress(ProcessLookupError):
            os.kill(each.pid, number)
