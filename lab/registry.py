"""The lab's own image registry: Debian's docker-registry on a loopback port, its data in the lab's directory."""

import urllib.error
import urllib.request
from pathlib import Path

from lab import arch, debian, ports, processes
from lab.errors import LabError
from lab.place import Place
from lab.processes import Process

_START_SECONDS = 15.0


def data(place: Place) -> Path:
    """Where the registry keeps its blobs."""
    return place.dir / "registry-data"


def start(place: Place, port: int) -> Process:
    """Start the registry and wait until it answers. Raises LabError."""
    config = place.dir / "registry.yml"
    config.write_text(
        f"""version: 0.1
log: {{level: info}}
storage:
  filesystem: {{rootdirectory: "{data(place)}"}}
  delete: {{enabled: true}}
http:
  addr: {ports.ADDRESS}:{port}
"""
    )
    log = place.dir / "registry.log"
    program = debian.program([("docker-registry", "docker-registry")], arch.host())
    started = processes.spawn([str(program), "serve", str(config)], lab_id=place.id, log=log)
    url = f"http://{ports.ADDRESS}:{port}/v2/"
    processes.wait(lambda: _answers(url) or not started.alive(), _START_SECONDS)
    if not started.alive() or not _answers(url):
        raise LabError(f"the registry did not come up; its log is {log}")
    return started


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except (OSError, urllib.error.URLError):
        return False
