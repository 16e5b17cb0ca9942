"""Where a benchmark runs: a lab that is up, and a folder for what the benchmark itself makes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lab import place, ports, state
from lab.state import LabState, NodeState

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.prefix) / "bin"
REMOTE_SOCKET = "/run/buildkit/buildkitd.sock"
# The nodes that farm itself picks on the default lab, each with the platforms that it builds there.
MEMBERS = {"pi4": ("linux/arm64", "linux/arm/v7"), "z1": ("linux/amd64",)}
PLATFORMS = ",".join(platform for platforms in MEMBERS.values() for platform in platforms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`lab` is the lab's folder, `folder` the benchmark's own (its path short, for there are sockets in it)."""

    lab: Path
    state: LabState
    folder: Path

    @property
    def registry(self) -> str:
        """The lab's registry, host:port."""
        return f"{ports.ADDRESS}:{self.state.registry_port}"

    @property
    def base(self) -> str:
        """The build argument that names the base image of the examples."""
        return f"BASE={self.registry}/base:1"

    @property
    def members(self) -> list[NodeState]:
        """The nodes that build."""
        return [self.state.node(name) for name in MEMBERS]

    def ssh_options(self) -> list[str]:
        """What OpenSSH needs to know of the lab, and nothing of this user's own settings."""
        return [
            *("-F", "none", "-i", str(self.lab / "id_ed25519")),
            *("-o", "IdentitiesOnly=yes", "-o", f"UserKnownHostsFile={self.lab / 'known_hosts'}"),
            *("-o", "BatchMode=yes", "-o", "GlobalKnownHostsFile=/dev/null"),
        ]


def running(directory: Path, folder: Path) -> Place:
    """The lab in a directory, brought up first where it is not. Raises CalledProcessError where that fails."""
    where = place.at(directory)
    found = state.load(where.state)
    if found is None or not found.ready or not all(process.alive() for process in found.processes()):
        subprocess.run([ROOT / "scripts" / "lab", "up", "--dir", where.dir], check=True, stdout=sys.stderr)
        found = state.load(where.state)
    assert found is not None
    return Place(lab=where.dir, state=found, folder=folder)
