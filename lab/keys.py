"""SSH keys of a lab: one that opens every node, one host key per node, and the known_hosts that ties them together."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

from lab import ports


def make(path: Path, comment: str) -> None:
    """A fresh ed25519 key without a passphrase, with its public half beside it, unless it is there."""
    if not path.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path], check=True)


def known_hosts(nodes: Iterable[tuple[int, Path]]) -> str:
    """The known_hosts of nodes that are told apart by port, from each one's host key."""
    lines = []
    for port, host_key in nodes:
        kind, key = host_key.with_suffix(".pub").read_text().split()[:2]
        lines.append(f"[{ports.ADDRESS}]:{port} {kind} {key}\n")
    return "".join(lines)
