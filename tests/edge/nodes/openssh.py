"""A real OpenSSH server on a loopback port."""

from __future__ import annotations

import contextlib
import getpass
import os
import signal
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from farm.inventory import Node
from tests.edge.nodes.waiting import listens, wait_until

SSHD = "/usr/sbin/sshd"


def keygen(path: Path, *form: str, passphrase: str = "") -> Path:
    """A new key pair at `path` and `path`.pub; `form` are options of ssh-keygen."""
    options = form or ("-t", "ed25519")
    subprocess.run(["ssh-keygen", "-q", *options, "-N", passphrase, "-C", "", "-f", path], check=True)
    return path


def public(path: Path) -> str:
    """The public half of a key: algorithm and data."""
    return Path(f"{path}.pub").read_text().strip()


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Sshd:
    """An OpenSSH server that lets one key in."""

    directory: Path
    port: int
    user_key: Path
    host_key: Path
    process: subprocess.Popen[bytes]
    known_hosts: Path = field(init=False)

    def __post_init__(self) -> None:
        self.known_hosts = self.directory / "known_hosts"
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {public(self.host_key)}\n")

    def node(self, **changes: object) -> Node:
        """This server as a node of an inventory."""
        fields: dict[str, object] = {
            "name": "pi4",
            "host": "127.0.0.1",
            "port": self.port,
            "user": getpass.getuser(),
            "key": self.user_key,
            "known_hosts": self.known_hosts,
            "engine": "buildkitd",
        }
        return Node(**{**fields, **changes})  # type: ignore[arg-type]  # a test changes one field at a time

    def connections(self) -> list[int]:
        """The process ids of the servers of single connections, and of what they started."""
        return descendants(self.process.pid)

    def kill_connections(self) -> None:
        """What a board that loses its power does, as far as the coordinator can see it."""
        for pid in self.connections():
            send(pid, signal.SIGKILL)

    def freeze(self) -> None:
        """Stop everything without closing anything: a hung board."""
        for pid in [self.process.pid, *self.connections()]:
            send(pid, signal.SIGSTOP)

    def stop(self) -> None:
        for pid in [*self.connections(), self.process.pid]:
            send(pid, signal.SIGKILL)
        self.process.wait()


def send(pid: int, number: signal.Signals) -> None:
    """Signal a process that may have ended by itself meanwhile."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def descendants(pid: int) -> list[int]:
    """All live processes below this one."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        direct = [int(child) for child in children.read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return direct + [below for child in direct for below in descendants(child)]


def start(directory: Path, **settings: str) -> Sshd:
    """A server that keeps its files in `directory`; keyword arguments become lines of its sshd_config."""
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    directory.mkdir()
    user_key, host_key = keygen(directory / "id"), keygen(directory / "host_key")
    port = free_port()
    options = {
        "Port": str(port),
        "ListenAddress": "127.0.0.1",
        "HostKey": str(host_key),
        "AuthorizedKeysFile": f"{user_key}.pub",
        "StrictModes": "no",
        "UsePAM": "no",
        "PidFile": "none",
        "PasswordAuthentication": "no",
        # An empty home: the shell's start-up files of whoever runs the tests are not what is tested.
        "SetEnv": f"HOME={directory}",
        **settings,
    }
    config = directory / "sshd_config"
    config.write_text("".join(f"{name} {value}\n" for name, value in options.items()))
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", config], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    wait_until(lambda: listens(port) or process.poll() is not None)
    assert process.poll() is None, (directory / "log").read_text()
    return Sshd(directory, port, user_key, host_key, process)
