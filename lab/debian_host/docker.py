"""Docker Engine on a Debian machine, as its package has it; the machine is made with `tree.DOCKER`."""

import json

from lab import processes
from lab.debian_host.host import Host
from lab.errors import LabError

SOCKET = "/var/run/docker.sock"
_START_SECONDS = 30.0
_LOG = "/var/log/dockerd.log"


def start(host: Host, *, image_store: bool) -> None:
    """Start it anew, with the containerd image store or with the store that was Docker's own. Raises LabError."""
    stop(host)
    settings = json.dumps({"features": {"containerd-snapshotter": image_store}})
    host.run(f"mkdir -p /etc/docker && echo '{settings}' >/etc/docker/daemon.json")
    host.start("dockerd", _LOG)
    if not processes.wait(lambda: _answers(host), _START_SECONDS):
        raise LabError(f"{host.name}: dockerd does not answer:\n{host.run(f'tail -n 5 {_LOG}', check=False)}")


def stop(host: Host) -> None:
    """End it, if it runs; containerd goes with it, its images and caches stay."""
    host.run("if [ -s /run/docker.pid ]; then kill $(cat /run/docker.pid) || true; fi")
    if not processes.wait(lambda: host.run("pgrep -x 'dockerd|containerd'", check=False) == "", _START_SECONDS):
        raise LabError(f"{host.name}: dockerd does not end")
    host.run("rm -f /run/docker.pid")


def images(host: Host) -> str:
    """All images in its store, untagged ones too, one a line."""
    return host.run("docker images --all --no-trunc --format '{{.Repository}}:{{.Tag}} {{.ID}}'")


def _answers(host: Host) -> bool:
    return host.run("docker version >/dev/null 2>&1 && echo yes", check=False) != ""
