"""The lab's boards as a test sees them from outside: who works there, and what can befall them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import place, state
from lab.processes import Process, identify
from lab.state import LabState
from tests.farm.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
_RESTART = (
    "import sys; from pathlib import Path; from lab import faults; "
    "faults.restart(Path(sys.argv[1]), sys.argv[2], sys.argv[3])"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """A lab that is up. `registry` is `host:port`, `base` the image that its Dockerfiles start from."""

    directory: Path
    registry: str

    @property
    def inventory(self) -> Path:
        return place.at(self.directory).inventory

    @property
    def known_hosts(self) -> Path:
        return place.at(self.directory).known_hosts

    @property
    def base(self) -> str:
        return f"{self.registry}/base:1"

    @property
    def state(self) -> LabState:
        found = state.load(place.at(self.directory).state)
        assert found is not None
        return found

    def node_folder(self, node: str) -> Path:
        return place.at(self.directory).node(node)

    def port(self, node: str) -> int:
        return self.state.node(node).port

    def socket(self, node: str) -> Path:
        return self.state.node(node).socket

    def process(self, node: str, role: str) -> Process:
        return self.state.node(node).processes[role]

    def prune(self, node: str) -> None:
        """Empty the node's build cache, as its owner may do at any time."""
        buildctl = Path(sys.executable).with_name("buildctl")
        address = f"unix://{self.socket(node)}"
        subprocess.run([buildctl, "--addr", address, "prune", "--all"], check=True, capture_output=True, timeout=30)

    def at_work(self, token: str) -> dict[str, set[int]]:
        """The nodes where a step runs whose command line holds the token, and its processes.

        The kernel's own word: each node's BuildKit runs its steps in control groups below the node's name.
        """
        found: dict[str, set[int]] = {}
        for pid, command in command_lines():
            if token in command and (node := self._node_of(pid)):
                found.setdefault(node, set()).add(pid)
        return found

    def _node_of(self, pid: int) -> str | None:
        try:
            groups = Path(f"/proc/{pid}/cgroup").read_text()
        except OSError:
            return None
        tag = place.at(self.directory).tag
        return next((node.shape.name for node in self.state.nodes if f"/{tag}/{node.shape.name}/" in groups), None)


class Boards:
    """Faults. Whatever a test does through it is mended when the test ends."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._frozen: list[Process] = []

    def kill(self, node: str, role: str = "buildkitd") -> None:
        """As a crash or the kernel's OOM killer does it."""
        process = self._lab.process(node, role)
        self._signal(process, signal.SIGKILL)
        wait_until(lambda: not process.alive())

    def cut_connections(self, node: str) -> None:
        """End every SSH connection to the node, as a lost link does; sshd itself goes on."""
        assert list(descendants(self._lab.process(node, "sshd").pid)), f"nobody is connected to {node}"
        self.end_connections(node)

    def end_connections(self, node: str) -> None:
        """The same, if there are any."""
        for connection in list(descendants(self._lab.process(node, "sshd").pid)):
            self._signal(connection, signal.SIGKILL)

    def freeze(self, node: str, role: str = "buildkitd") -> None:
        """As a board that swaps itself to death: the kernel still takes connections, nobody answers."""
        self._freeze(self._lab.process(node, role))

    def freeze_registry(self) -> None:
        registry = self._lab.state.registry
        assert registry is not None
        self._freeze(registry)

    def mend(self) -> None:
        """Let everything go on that was stopped, start anew what was ended."""
        while self._frozen:
            self._signal(self._frozen.pop(), signal.SIGCONT)
        for node in self._lab.state.nodes:
            for role in ("buildkitd", "sshd"):
                if not node.processes[role].alive():
                    as_root(sys.executable, "-c", _RESTART, str(self._lab.directory), node.shape.name, role)

    def _freeze(self, process: Process) -> None:
        self._frozen.append(process)
        self._signal(process, signal.SIGSTOP)

    def _signal(self, process: Process, number: signal.Signals) -> None:
        if process.alive():
            as_root("kill", f"-{number.name}", str(process.pid))


def command_lines() -> Iterator[tuple[int, str]]:
    """Every process of this machine with its command line, as `ps` shows it to anybody."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                yield int(entry.name), (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            except OSError:
                continue


def descendants(parent: int) -> Iterator[Process]:
    """Whatever a process has started, and they in turn, the last first; each of its threads has children of its own."""
    for children in Path(f"/proc/{parent}/task").glob("*/children"):
        try:
            pids = children.read_text().split()
        except OSError:
            continue
        for pid in pids:
            if found := identify(int(pid)):
                yield from descendants(found.pid)
                yield found


def as_root(*argv: str) -> None:
    """The lab's daemons are root's; whoever runs the tests may be somebody else."""
    prefix: Sequence[str] = () if os.geteuid() == 0 else ("sudo", "-n")
    subprocess.run([*prefix, *argv], check=True, cwd=ROOT)
