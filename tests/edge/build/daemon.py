"""A real buildkitd that a test may stop, freeze and kill."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.edge.nodes.waiting import wait_until
from tests.edge.registry.builder import tool


@dataclass
class Daemon:
    """A running buildkitd."""

    socket: Path
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """End it at once, as a crash does, and what it leaves running."""
        steps = self.steps()
        self.process.kill()
        self.process.wait(10)
        for step in steps:
            with contextlib.suppress(ProcessLookupError):
                os.kill(step, signal.SIGKILL)

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def steps(self) -> list[int]:
        """The processes that it runs its steps in."""
        return _below(self.process.pid)


def _below(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *_below(int(child))]
    return found


@contextlib.contextmanager
def running(folder: Path, *, config: str = "", environment: Mapping[str, str] | None = None) -> Iterator[Daemon]:
    """Start one that keeps everything in a folder, whose path must be short enough for a socket.

    `config` is its buildkitd.toml, `environment` what it has besides this process' own.
    """
    socket, log = folder / "bk.sock", folder / "bk.log"
    addresses = ["--addr", f"unix://{socket}", "--otel-socket-path", str(folder / "otel.sock")]
    settings = folder / "buildkitd.toml"
    settings.write_text(config)
    with log.open("wb") as file:
        command = [tool("buildkitd"), "--config", str(settings), "--root", str(folder / "root"), *addresses]
        process = subprocess.Popen(command, stdout=file, stderr=file, env={**os.environ, **(environment or {})})
    try:
        wait_until(lambda: socket.exists() or process.poll() is not None, seconds=60)
        assert process.poll() is None, log.read_text()
        yield Daemon(socket=socket, process=process)
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            # It waits for clients that a test has frozen or left behind.
            process.kill()
            process.wait(10)
        _unmount(folder)


def _unmount(folder: Path) -> None:
    """A daemon that was killed leaves its steps' file systems mounted."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in reversed([mount for mount in mounts if mount.startswith(f"{folder}/")]):
        subprocess.run(["umount", "-l", mount], check=True)
