"""A real buildkitd."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tests.edge.nodes.waiting import listens_at, wait_until


class Buildkitd:
    """A buildkitd of one test's own; `process` may be stopped or killed."""

    def __init__(self, socket_path: Path, root: Path) -> None:
        beside = Path(sys.executable).with_name("buildkitd")
        program = str(beside) if beside.exists() else shutil.which("buildkitd")
        assert program, "no buildkitd: run scripts/setup"
        self.socket = socket_path
        self._log = socket_path.with_name("log").open("wb")
        arguments = [program, "--root", str(root), "--addr", f"unix://{socket_path}"]
        arguments += ["--otel-socket-path", str(socket_path.with_name("otel.sock"))]
        self.process = subprocess.Popen(arguments, stdout=self._log, stderr=self._log)

    def __enter__(self) -> Buildkitd:
        wait_until(lambda: listens_at(self.socket) or self.process.poll() is not None, seconds=60)
        assert self.process.poll() is None, self.socket.with_name("log").read_text()
        return self

    def freeze(self) -> None:
        """Stop every thread; they stop one after the other, so wait for the last."""
        self.process.send_signal(signal.SIGSTOP)
        tasks = Path(f"/proc/{self.process.pid}/task")
        wait_until(lambda: all("\nState:\tT" in (task / "status").read_text() for task in tasks.iterdir()))

    def __exit__(self, *_: object) -> None:
        self._log.close()
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait(30)
