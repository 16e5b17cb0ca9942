"""Podman on a Debian machine, as its package has it; the machine is made with `PACKAGES`.

Its API is there on demand where systemd listens for it; here it is a service that stays.
"""

from collections.abc import Sequence

from lab import processes
from lab.debian_host.host import USER, Host
from lab.errors import LabError

PACKAGES = ("podman", "crun", "uidmap")
SOCKET = "/run/podman/podman.sock"
GROUP = "podman"
"""Who may use root's service: its package lets nobody in but root."""
_START_SECONDS = 20.0
_LOG = "/tmp/podman.log"
# Podman warns at each command where control groups are of version 1.
_QUIETLY = "PODMAN_IGNORE_CGROUPSV1_WARNING=1"


def start(host: Host, *, plain_http: Sequence[str] = ()) -> None:
    """Start root's service, for those in `GROUP`; `plain_http` are registries without TLS. Raises LabError."""
    lines = [f'[[registry]]\nlocation = "{name}"\ninsecure = true' for name in plain_http]
    settings = host.path("/etc/containers/registries.conf.d/lab.conf")
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("\n".join([*lines, ""]))
    host.run(f"groupadd --force {GROUP}; install -d -m 755 {SOCKET.rpartition('/')[0]}")
    host.start(f"env {_QUIETLY} podman system service --time=0 unix://{SOCKET}", _LOG)
    _await(host, SOCKET)
    host.run(f"chgrp {GROUP} {SOCKET}; chmod 660 {SOCKET}")


def start_rootless(host: Host) -> str:
    """Start a service of `USER`'s own, as a login to a whole system would; its socket. Raises LabError."""
    runtime = f"/run/user/{host.run('id -u', user=USER).strip()}"
    # The home lies in an overlay, which cannot carry the layers of another; below /var/lib/containers is a disk.
    host.run(f"install -d -o {USER} -g {USER} -m 700 {runtime} {runtime}/podman /var/lib/containers/{USER}")
    settings = (
        f'[storage]\\ndriver = "vfs"\\ngraphroot = "/var/lib/containers/{USER}"\\nrunroot = "{runtime}/containers"\\n'
    )
    host.run(f"mkdir -p ~/.config/containers && printf '{settings}' >~/.config/containers/storage.conf", user=USER)
    socket = f"{runtime}/podman/podman.sock"
    command = f"env {_QUIETLY} XDG_RUNTIME_DIR={runtime} podman system service --time=0 unix://{socket}"
    host.run(f"setsid --fork {command} >{_LOG}.{USER} 2>&1 </dev/null", user=USER)
    _await(host, socket)
    return socket


def _await(host: Host, socket: str) -> None:
    ask = f"{_QUIETLY} podman --url unix://{socket} version >/dev/null 2>&1 && echo yes"
    if not processes.wait(lambda: host.run(ask, check=False) != "", _START_SECONDS):
        raise LabError(
            f"{host.name}: podman does not answer at {socket}:\n{host.run(f'tail -n 5 {_LOG}*', check=False)}"
        )
