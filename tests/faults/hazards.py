"""What a test does to a lab from outside: to its boards, their links, their disks and memory. All of it is mended."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lab import faults, place, processes
from lab.processes import Process
from tests.farm.boards import Lab, descendants
from tests.farm.waiting import wait_until


class Hazards:
    """Faults on the real thing. They need root, as the lab itself does. `mend` takes them all back, the last first."""

    def __init__(self, lab: Lab, nodes: Sequence[str]) -> None:
        self._lab = lab
        self._nodes = nodes
        self._undo = contextlib.ExitStack()

    def mend(self) -> None:
        """Take every fault back, and wait until all boards serve again."""
        self._undo.close()
        for node in self._nodes:
            for role in ("sshd", "buildkitd"):
                if not self._lab.process(node, role).alive():
                    self.restart(node, role)

    def undo_later(self, call: Callable[[], object]) -> None:
        """Call this when the faults are taken back."""
        self._undo.callback(call)

    # A board's programs.

    def kill(self, node: str, *roles: str) -> None:
        """SIGKILL, as a crash or the kernel's OOM killer does it; with sshd go its connections."""
        for role in roles:
            process = self._lab.process(node, role)
            if role == "buildkitd":
                self._end_orphans_later(node)
            # First the listener, so that nobody gets in again in between.
            doomed = [process, *connections(self._lab, node)] if role == "sshd" else [process]
            for each in doomed:
                _signal(each, signal.SIGKILL)
            wait_until(lambda doomed=doomed: not any(each.alive() for each in doomed))  # type: ignore[misc]

    def _end_orphans_later(self, node: str) -> None:
        """A step outlives its killed BuildKit, under qemu at times for ever: its shell then misses its child's end.

        So does who was about to start one: on a frozen board it would do so once that goes on.
        """
        buildkitd = self._lab.process(node, "buildkitd")
        steps = filter(None, map(processes.identify, self._lab.at_work("").get(node, ())))
        for each in {*descendants(buildkitd.pid), *steps}:
            self._undo.callback(_signal, each, signal.SIGKILL)

    def restart(self, node: str, role: str) -> None:
        """Start a board's sshd or buildkitd (anew)."""
        if role == "sshd":
            # Those who are connected stay so when only the listener ends.
            faults.kill(self._lab.process(node, role))
        faults.restart(self._lab.directory, node, role)

    def freeze(self, node: str) -> None:
        """SIGSTOP to all of a board: sshd with its connections, BuildKit, everything."""
        init = self._lab.process(node, "init")
        faults.freeze(init)
        self._undo.callback(faults.thaw, init)

    def thaw(self, node: str) -> None:
        """SIGCONT: the board goes on where it stood."""
        faults.thaw(self._lab.process(node, "init"))

    @contextlib.contextmanager
    def dying_at_every_step(self, node: str, token: str) -> Iterator[list[int]]:
        """Kill the board's BuildKit whenever a step of the build runs there, and start it anew; yields all killed."""
        killed: list[int] = []
        seen: set[int] = set()
        over = threading.Event()

        def strike() -> None:
            while not over.wait(0.05):
                # A step outlives its killed BuildKit: only one that was not there before is of another try.
                steps = self._lab.at_work(token).get(node, set())
                if steps - seen:
                    seen.update(steps)
                    killed.append(self._lab.process(node, "buildkitd").pid)
                    self.kill(node, "buildkitd")
                    self.restart(node, "buildkitd")

        striking = threading.Thread(target=strike)
        striking.start()
        try:
            yield killed
        finally:
            over.set()
            striking.join()

    # The link: packets are dropped by the kernel (nftables), told apart by the board's SSH port.

    def drop(self, node: str, *directions: str) -> Callable[[], None]:
        """Lose all packets `to` the board, `from` it, or both; what is given back ends that."""
        port = self._lab.port(node)
        matches = {"to": f"tcp dport {port} drop", "from": f"tcp sport {port} drop"}
        return self._rules([matches[direction] for direction in directions])

    def reset(self, node: str) -> None:
        """Answer every packet to the board with a reset, until all who were connected have had one."""
        connected = connections(self._lab, node)
        end = self._rules([f"tcp dport {self._lab.port(node)} tcp flags ack reject with tcp reset"])
        # farm hears it with its next packet; the board's own side is told below.
        wait_until(lambda: not self._established(node), seconds=20)
        end()
        for each in connected:
            _signal(each, signal.SIGKILL)

    def _established(self, node: str) -> bool:
        """Whether a client of the board's sshd still believes in its connection (proc(5): state 01, remote port)."""
        wanted = f":{self._lab.port(node):04X}"
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return any(fields[2].endswith(wanted) and fields[3] == "01" for fields in lines)

    def _rules(self, rules: Sequence[str]) -> Callable[[], None]:
        table = f"farm_faults_{secrets.token_hex(4)}"
        script = "".join(f"{rule}\n" for rule in rules)
        _nft(f"table inet {table} {{ chain c {{ type filter hook input priority 0; policy accept;\n{script}}}\n}}\n")
        undo = self._undo.enter_context(contextlib.ExitStack())
        undo.callback(_nft, f"delete table inet {table}")
        return undo.close

    # Disk, memory, files.

    def small_disk(self, node: str, size: str) -> None:
        """Put the board's BuildKit data onto a disk of its own of that size."""
        init, folder = self._lab.process(node, "init"), self._lab.node_folder(node) / "buildkit"

        def swap(*command: str) -> None:
            self.kill(node, "buildkitd")
            _inside(init, *command)
            self.restart(node, "buildkitd")

        swap("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
        self._undo.callback(swap, "umount", "--lazy", str(folder))

    def little_memory(self, node: str, megabytes: int) -> None:
        """Limit the memory of the board's steps, by whichever version of control groups this machine has."""
        tag = place.at(self._lab.directory).tag
        top = Path("/sys/fs/cgroup")
        if (top / "cgroup.controllers").exists():
            for above in (top, top / tag):
                above.mkdir(exist_ok=True)
                (above / "cgroup.subtree_control").write_text("+memory")
            group, file, none = top / tag / node, "memory.max", "max"
        else:
            group, file, none = top / "memory" / tag / node, "memory.limit_in_bytes", "-1"
        group.mkdir(parents=True, exist_ok=True)
        (group / file).write_text(str(megabytes << 20))
        self._undo.callback((group / file).write_text, none)

    def replace(self, path: Path, text: str) -> None:
        """Write other words into a file, in place: it may be mounted elsewhere."""
        before, mode = path.read_text(), path.stat().st_mode
        path.write_text(text)
        self._undo.callback(path.chmod, mode)
        self._undo.callback(path.write_text, before)

    def mount_inside(self, node: str, source: Path, target: str) -> None:
        """Let the board see another file at `target`."""
        init = self._lab.process(node, "init")
        _inside(init, "mount", "--bind", str(source), target)
        self._undo.callback(_inside, init, "umount", "--lazy", target)


def small_disk(folder: Path, size: str) -> Callable[[], None]:
    """A disk of that size at the folder, on this machine; what is given back takes it away."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", folder], check=True)

    def take_away() -> None:
        subprocess.run(["umount", "--lazy", folder], check=True)

    return take_away


def fill(folder: Path) -> Path:
    """Leave not a byte on the disk of a folder; gives back the file to delete."""
    file = folder / "filler"
    with file.open("wb", buffering=0) as filling, contextlib.suppress(OSError):
        while True:
            filling.write(bytes(4096))
    return file


def connections(lab: Lab, node: str) -> list[Process]:
    """The board's side of every SSH connection, also of those that have outlived a listener."""
    listener = lab.process(node, "sshd")
    return [each for each in processes.family(lab.process(node, "init")) if each != listener and _name(each) == "sshd"]


def _name(process: Process) -> str:
    with contextlib.suppress(OSError):
        # OpenSSH 9.8 and later have a program of their own for a connection, `sshd-session`.
        return Path(f"/proc/{process.pid}/comm").read_text().strip().partition("-")[0]
    return ""


def _signal(process: Process, number: signal.Signals) -> None:
    if process.alive():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)


def _inside(init: Process, *command: str) -> None:
    # Its process namespace too: mount and umount read /proc/self, and /proc there knows no others.
    subprocess.run(["nsenter", "--target", str(init.pid), "--mount", "--pid", "--", *command], check=True)


def _nft(script: str) -> None:
    nft = shutil.which("nft", path=processes.PATH)
    assert nft, "no nft: run scripts/setup"
    subprocess.run([nft, "-f", "-"], input=script, text=True, check=True)
