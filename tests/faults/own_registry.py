"""A real docker-registry that a test may kill, start again and run out of disk: same port, same data."""

from __future__ import annotations

import signal
import subprocess
import urllib.request
from pathlib import Path

from lab import arch, debian, ports
from tests.farm.waiting import wait_until


def program() -> Path:
    """The very registry that the lab runs."""
    return debian.program([("docker-registry", "docker-registry")], arch.host())


class OwnRegistry:
    """Keeps its blobs in `data`; whoever makes one kills it in the end."""

    def __init__(self, folder: Path) -> None:
        self.domain = f"127.0.0.1:{ports.free(1)[0]}"
        self.data = folder / "registry-data"
        self.data.mkdir()
        self._config = folder / "registry.yml"
        self._log = folder / "registry.log"
        self._config.write_text(
            f"version: 0.1\nlog: {{level: warn}}\nhttp: {{addr: '{self.domain}'}}\n"
            f"storage: {{filesystem: {{rootdirectory: '{self.data}'}}}}\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([program(), "serve", self._config], stdout=log, stderr=log)
        wait_until(self._answers)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.domain}/v2/", timeout=2):
                return True
        except OSError:
            return False
