"""Bare Debian 13 boards for the tests: systemd, sshd and sudo, a way to Debian's packages, and the lab's registry."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from lab import arch, place
from lab.debian_host import host as debian_host
from lab.debian_host import packages, tree
from lab.debian_host.host import USER, Host
from tests.farm.boards import ROOT, Lab


@contextlib.contextmanager
def bare(lab: Lab, name: str, more: Sequence[str] = ()) -> Iterator[Host]:
    """A board on which nobody has installed anything yet but what `more` names."""
    with debian_host.running(name, (*tree.SYSTEMD, *more)) as machine:
        packages.bring(machine)
        machine.bring(int(lab.registry.rpartition(":")[2]))
        yield machine


def built_tools() -> dict[str, str]:
    """Where farm finds the BuildKit that was built for this machine, as environment: not in each test's new home.

    Where the machine's own BuildKit made that needless it is built now, in some minutes.
    """
    subprocess.run([ROOT / "scripts" / "tools", "--for", arch.host().debian], check=True)
    return {"XDG_CACHE_HOME": str(place.cache().parents[1])}


def entry(machine: Host, **keys: object) -> dict[str, Any]:
    """A board's part of an inventory."""
    known = {"key": str(machine.key), "known_hosts": str(machine.known_hosts)}
    return {"host": machine.address, "user": USER, **known, **keys}


def inventory(path: Path, lab: Lab, nodes: dict[str, dict[str, Any]], **keys: object) -> Path:
    """Write an inventory of these boards alone, with the lab's registry."""
    path.write_text(yaml.safe_dump({"nodes": nodes, "registries": {lab.registry: {"http": True}}, **keys}))
    return path
