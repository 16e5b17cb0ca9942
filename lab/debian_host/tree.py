"""The root file system of a Debian 13 machine, made with debootstrap once, then cached."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lab import place
from lab.errors import LabError

RELEASE = "trixie"
# What a minimal installation with an SSH server has.
BARE = ("ca-certificates", "iproute2", "openssh-server", "procps", "sudo")
# What an installed board has beside: `host.up` with these boots systemd.
SYSTEMD = ("dbus", "libpam-systemd", "systemd-sysv")
DOCKER = ("docker.io", "docker-cli", "iptables")
# Another archive than debootstrap's own choice, such as a mirror in the house.
_MIRROR = "FARM_LAB_DEBIAN_MIRROR"
_VERSION = "1"


def made(packages: Sequence[str]) -> Path:
    """The tree with these packages beside those of `BARE`: about 90 s on two cores at first. Raises LabError."""
    wanted = ",".join(sorted({*BARE, *packages}))
    recipe = hashlib.sha256(f"{_VERSION} {RELEASE} {wanted}".encode()).hexdigest()[:12]
    root = place.cache() / f"debian-host-{RELEASE}-{recipe}"
    with place.lock(root.with_name(f"{root.name}.lock")):
        if not root.exists():
            fresh = root.with_name(f"{root.name}.new")
            shutil.rmtree(fresh, ignore_errors=True)
            _debootstrap(fresh, wanted)
            fresh.rename(root)
    return root


def _debootstrap(root: Path, packages: str) -> None:
    # The tree is thrown away if anything goes wrong, so dpkg need not wait for the disk after every file.
    hurry = root / "etc" / "dpkg" / "dpkg.cfg.d" / "hurry"
    hurry.parent.mkdir(parents=True)
    hurry.write_text("force-unsafe-io\npath-exclude=/usr/share/doc/*\npath-exclude=/usr/share/man/*\n")
    mirror = os.environ.get(_MIRROR)
    log = root.with_suffix(".log")
    with log.open("w") as out:
        done = subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={packages}", RELEASE, root, *([mirror] if mirror else [])],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"},
            check=False,
        )
    if done.returncode:
        tail = "\n  ".join(log.read_text(errors="replace").splitlines()[-5:])
        raise LabError(f"debootstrap could not make a Debian {RELEASE} in {root}; its log is {log}:\n  {tail}")
    hurry.unlink()
    log.unlink()
    for package in (root / "var" / "cache" / "apt" / "archives").glob("*.deb"):
        package.unlink()
