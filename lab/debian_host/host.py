"""Bring a Debian machine up and take it down: its first process, its cable, its accounts."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lab import keys, node, place, ports, processes
from lab.debian_host import network, relay, tree
from lab.errors import LabError
from lab.place import Place
from lab.processes import Process

USER = "pi"
"""An ordinary account, with sudo and without any other right; root logs in with the same key."""
_ADD_USER = f"""set -e
useradd --create-home --shell /bin/bash {USER}
echo '{USER} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/{USER}
install -d -o {USER} -g {USER} -m 700 /home/{USER}/.ssh
install -o {USER} -g {USER} -m 600 ~root/.ssh/authorized_keys /home/{USER}/.ssh/authorized_keys
"""
_START_SECONDS = 20.0
_SSH_PORT = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A machine that is up. `gateway` is this machine's address as seen from there, `root` the tree it began with."""

    place: Place
    name: str
    address: str
    gateway: str
    root: Path
    init: Process

    @property
    def key(self) -> Path:
        """The private key that it lets in."""
        return self.place.key

    @property
    def known_hosts(self) -> Path:
        """Its host key."""
        return self.place.known_hosts

    def path(self, inside: str) -> Path:
        """A file or socket of the machine as this one can open it."""
        return Path(f"/proc/{self.init.pid}/root", inside.lstrip("/"))

    def run(self, command: str, *, user: str = "root", check: bool = True) -> str:
        """Run a command there, through SSH as anybody would; what it prints. Raises LabError if it fails."""
        done = subprocess.run(
            [
                *("ssh", "-F", "none", "-i", self.key, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"),
                *("-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "StrictHostKeyChecking=yes"),
                *(f"{user}@{self.address}", command),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if check and done.returncode:
            raise LabError(f"{self.name}: `{command}` failed: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def start(self, command: str, log: str) -> None:
        """Start a daemon there that outlives the login; `log` is a file of the machine."""
        self.run(f"setsid --fork {command} >{log} 2>&1 </dev/null")

    def bring(self, port: int) -> None:
        """Let it find at its own 127.0.0.1 what listens on that port of this machine's. Raises LabError."""
        log = self.place.dir / "relay.log"
        processes.spawn(
            [
                *("nsenter", f"--net=/proc/{self.init.pid}/ns/net", sys.executable, "-m", relay.__name__),
                *(str(port), f"/proc/{os.getpid()}/ns/net"),
            ],
            lab_id=self.place.id,
            log=log,
            env={"PYTHONPATH": str(Path(__file__).parents[2])},
        )
        if not processes.wait(lambda: self._listens(port), _START_SECONDS):
            raise LabError(f"{self.name}: nothing listens on its port {port}; the log is {log}")

    def let_into(self, group: str) -> None:
        """Put the user into a group; it counts from the next login on."""
        self.run(f"usermod --append --groups {group} {USER}")

    def _listens(self, port: int) -> bool:
        return self.run(f"ss --no-header --listening --tcp 'sport = {port}'") != ""


@contextlib.contextmanager
def running(name: str, packages: Sequence[str] = ()) -> Iterator[Host]:
    """A machine in a directory of its own, for as long as the block runs. Raises LabError."""
    # Sockets lie in it: its path must be short.
    directory = Path(tempfile.mkdtemp(prefix="farm-deb-"))
    try:
        yield up(directory, name, packages)
    finally:
        down(directory)


def up(directory: Path, name: str, packages: Sequence[str] = ()) -> Host:
    """Bring a machine up, with these packages beside those of `tree.BARE`. Raises LabError."""
    where = place.at(directory)
    root = tree.made(packages)
    down(directory)
    where.dir.mkdir(parents=True)
    keys.make(where.key, "farm lab")
    keys.make(where.dir / "host_key", name)
    shutil.copy(where.key.with_suffix(".pub"), where.dir / "authorized_keys")
    init = _start(where, name, root)
    gateway, address = network.connect(init, where.id)
    host_key = (where.dir / "host_key.pub").read_text().split()[:2]
    where.known_hosts.write_text(f"{address} {' '.join(host_key)}\n")
    host = Host(place=where, name=name, address=address, gateway=gateway, root=root, init=init)
    if not processes.wait(lambda: ports.answers(_SSH_PORT, address), _START_SECONDS):
        raise LabError(f"{name}: its sshd does not answer; its log is {where.dir / 'init.log'}")
    host.run(_ADD_USER)
    return host


def start_again(host: Host) -> Host:
    """Start a machine anew that has ended, with all that it had written. Raises LabError."""
    # What was brought to it (`bring`, packages) holds on to the network that it had.
    for process in list(processes.marked(host.place.id)):
        process.end(grace=0)
    network.disconnect(host.place.id)
    (host.place.dir / "init.pid").unlink()
    init = _start(host.place, host.name, host.root)
    gateway, address = network.connect(init, host.place.id)
    if address != host.address:
        raise LabError(f"{host.name}: its address has changed to {address}")
    again = replace(host, init=init, gateway=gateway)
    if not processes.wait(lambda: ports.answers(_SSH_PORT, address), _START_SECONDS):
        raise LabError(f"{host.name}: its sshd does not answer; its log is {host.place.dir / 'init.log'}")
    return again


def down(directory: Path) -> None:
    """End the machine of a directory and delete the directory; nothing happens where there is none."""
    where = place.at(directory)
    # The first process takes all others along, whatever they are at.
    for process in list(processes.marked(where.id)):
        process.end(grace=0)
    network.disconnect(where.id)
    node.remove_cgroups(where)
    if where.dir.exists():
        shutil.rmtree(where.dir)


def _start(where: Place, name: str, root: Path) -> Process:
    ready, log = where.dir / "init.pid", where.dir / "init.log"
    process = processes.spawn(
        ["bash", str(Path(__file__).with_name("init.sh"))],
        lab_id=where.id,
        log=log,
        env={"NAME": name, "DIR": str(where.dir), "TREE": str(root), "GROUP": where.tag},
    )
    processes.wait(lambda: ready.exists() or not process.alive(), _START_SECONDS)
    found = processes.identify(int(ready.read_text())) if ready.exists() else None
    if found is None:
        tail = "\n  ".join(log.read_text(errors="replace").splitlines()[-5:])
        raise LabError(f"{name} did not come up; its log is {log}\n  {tail}")
    return found
