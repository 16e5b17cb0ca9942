"""One node of a lab: namespaces that look like a board, an sshd in them, and a buildkitd in them."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import arch, ports, processes, trees
from lab.account import Account
from lab.errors import LabError
from lab.place import Place
from lab.processes import Process
from lab.shape import NodeShape

_HERE = Path(__file__).parent
_SOCKET = "/run/buildkit/buildkitd.sock"
_START_SECONDS = 20.0
# --kill-child: if the process outside is killed, so is the node.
_UNSHARE = ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--propagation", "private"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node and how to start each part of it. ``bin`` is where buildkitd and buildctl are."""

    place: Place
    shape: NodeShape
    port: int
    registry_port: int
    who: Account
    bin: Path

    @property
    def dir(self) -> Path:
        """The node's own directory."""
        return self.place.node(self.shape.name)

    @property
    def socket(self) -> Path:
        """The BuildKit socket as seen from outside the node."""
        return self.place.run / self.shape.name / Path(_SOCKET).name

    def prepare(self) -> None:
        """Write all that the node is made from."""
        for folder in (self.dir / "buildkit", self.socket.parent):
            folder.mkdir(parents=True, exist_ok=True)
        board = "z3735f" if self.shape.arch is arch.AMD64 else "pi4"
        shutil.copy(_HERE / "boards" / f"{board}.cpuinfo", self.dir / "cpuinfo")
        for name, text in (
            ("passwd", self.who.passwd()),
            ("shadow", self.who.shadow()),
            ("group", self.who.group()),
            ("authorized_keys", self.place.key.with_suffix(".pub").read_text()),
            ("sshd_config", self._sshd_config()),
            ("buildkitd.toml", self._buildkitd_config()),
        ):
            (self.dir / name).write_text(text)
        (self.dir / "shadow").chmod(0o600)

    def start_init(self) -> Process:
        """Start the first process and with it the namespaces. Raises LabError."""
        ready = self.dir / "init.pid"
        ready.unlink(missing_ok=True)
        log = self.dir / "init.log"
        process = processes.spawn(
            [*_UNSHARE, "bash", str(_HERE / "board_init.sh")],
            lab_id=self.place.id,
            log=log,
            env={
                "NODE": self.shape.name,
                "DIR": str(self.dir),
                "RUN": str(self.socket.parent),
                "TREE": str(trees.board(self.shape.arch)),
                "BIN": str(self.bin),
                "LINUX32": self._linux32(),
                "LOGIN_HOME": self.who.home,
                "LOGIN_UID": str(self.who.uid),
            },
        )
        processes.wait(lambda: ready.exists() or not process.alive(), _START_SECONDS)
        if not ready.exists():
            raise LabError(_failure(self.shape.name, "did not come up", log))
        found = processes.identify(int(ready.read_text()))
        if found is None:
            raise LabError(_failure(self.shape.name, "ended at once", log))
        return found

    def start_sshd(self, init: Process) -> Process:
        """Start sshd inside the node. Raises LabError."""
        sshd = shutil.which("sshd", path=processes.PATH) or "/usr/sbin/sshd"
        argv = [sshd, "-D", "-e", "-f", str(self.dir / "sshd_config")]
        return self._start_inside(init, argv, "sshd", lambda: ports.answers(self.port))

    def start_buildkitd(self, init: Process) -> Process:
        """Start buildkitd inside the node and wait until it answers. Raises LabError."""
        self.socket.unlink(missing_ok=True)
        argv = [str((self.bin / "buildkitd").resolve()), "--config", str(self.dir / "buildkitd.toml")]
        return self._start_inside(init, argv, "buildkitd", self._buildkit_answers)

    def _start_inside(self, init: Process, argv: Sequence[str], role: str, answers: Callable[[], bool]) -> Process:
        log = self.dir / f"{role}.log"
        started = processes.spawn(argv, lab_id=self.place.id, log=log, inside=init)
        processes.wait(lambda: answers() or not started.alive(), _START_SECONDS)
        if not started.alive() or not answers():
            raise LabError(_failure(self.shape.name, f"{role} did not come up", log))
        return started

    def _linux32(self) -> str:
        """What ``linux32 uname -m`` has to answer, ``refused``, or nothing, where the kernel here answers rightly.

        An arm64 CPU or kernel without the 32-bit instruction set refuses the personality. qemu passes it on to a kernel
        of another kind, and answers ``uname`` by itself.
        """
        if self.shape.arch is arch.ARM64 and arch.ARMV7.platform not in self.shape.platforms:
            return "refused"
        if self.shape.arch is arch.host():
            return ""
        return "i686" if self.shape.arch is arch.AMD64 else "armv8l"

    def _buildkit_answers(self) -> bool:
        if not self.socket.exists():
            return False
        probe = [str(self.bin / "buildctl"), "--addr", f"unix://{self.socket}", "--timeout", "2", "debug", "workers"]
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0

    def _sshd_config(self) -> str:
        lines = [
            f"ListenAddress {ports.ADDRESS}:{self.port}",
            f'HostKey "{self.dir}/host_key"',
            # A percent sign begins a token here.
            f'AuthorizedKeysFile "{str(self.dir).replace("%", "%%")}/authorized_keys"',
            f"AllowUsers {self.who.name}",
            "PidFile none",
            "AuthenticationMethods publickey",
            "PermitRootLogin prohibit-password",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "UsePAM no",
            # The lab may lie under a directory that everybody can write to, such as /tmp.
            "StrictModes no",
            "PrintMotd no",
            "PrintLastLog no",
            "Subsystem sftp internal-sftp",
            "ChrootDirectory /run/board/root",
        ]
        if self.shape.arch is arch.ARM64 and arch.host() is not arch.ARM64:
            # Newer versions of qemu answer /proc/cpuinfo themselves, for the CPU that they are told to be.
            lines.append("SetEnv QEMU_CPU=cortex-a72")
        return "\n".join(lines) + "\n"

    def _buildkitd_config(self) -> str:
        registry = f"{ports.ADDRESS}:{self.registry_port}"
        bound = f"  max-parallelism = {self.shape.steps}\n" if self.shape.steps else ""
        return f"""root = {json.dumps(str(self.dir / "buildkit"))}

[grpc]
  address = ["unix://{_SOCKET}"]
  gid = {self.who.gid}

[worker.oci]
  enabled = true
  platforms = {json.dumps(list(self.shape.platforms))}
  binary = "runc"
  defaultCgroupParent = "{self.place.tag}/{self.shape.name}"
{bound}
[worker.containerd]
  enabled = false

[registry."{registry}"]
  http = true
"""


def _failure(name: str, what: str, log: Path) -> str:
    tail = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
    return "\n  ".join([f"node {name}: {what}; its log is {log}", *tail])


def remove_cgroups(place: Place) -> None:
    """Remove the control groups that builds of this lab left, on cgroup v1 (one tree per controller) and v2."""
    top = Path("/sys/fs/cgroup")
    for group in [top / place.tag, *top.glob(f"*/{place.tag}")]:
        if not group.is_dir():
            continue
        for folder, _, _ in os.walk(group, topdown=False):
            Path(folder).rmdir()
