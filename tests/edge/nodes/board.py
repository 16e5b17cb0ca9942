"""A real OpenSSH server with a /tmp of its own, as a board has one, and with a chosen shell."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.edge.nodes import openssh
from tests.edge.nodes.openssh import Sshd, descendants

# The directory with the server's files, which may be in /tmp, stays where it is. Key and programs are where every user
# can read them, and `nobody` can log in.
_OWN_TMP = r"""#!/bin/sh
exec unshare --mount --propagation private -- sh -c '
    mount --bind /tmp /mnt && mount -t tmpfs -o mode=1777 tmpfs /tmp || exit
    case $DIR in /tmp/*) mkdir -p "$DIR" && mount --bind "/mnt/${DIR#/tmp/}" "$DIR" || exit ;; esac
    umount /mnt
    cp -R "$DIR/bin" "$DIR/server/id.pub" /tmp/
    sed "s,^\(nobody:.*:\).*,\1/bin/sh," /etc/passwd >/tmp/passwd && mount --bind /tmp/passwd /etc/passwd
    exec /usr/sbin/sshd "$@"' sshd "$@"
"""
# What the script of a lease calls, so that a test can leave one out.
TOOLS = ("flock", "head", "id", "ln", "ls", "rm", "sleep")


class Board:
    """One server and what can be seen of it from outside."""

    def __init__(self, sshd: Sshd) -> None:
        self.sshd = sshd

    @property
    def tmp(self) -> Path:
        """The board's /tmp."""
        return Path(f"/proc/{self.sshd.process.pid}/root/tmp")

    def slots(self) -> list[str]:
        """What the leases have in /tmp."""
        return sorted(path.name for path in self.tmp.glob("farm-slot-*"))

    def processes(self) -> list[tuple[int, str]]:
        """Everything that runs below the server: number and name."""
        found = []
        for pid in descendants(self.sshd.process.pid):
            try:
                found.append((pid, Path(f"/proc/{pid}/comm").read_text().strip()))
            except OSError:
                continue
        return found


def start(
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    shell: str = "dash",
    login: str | None = None,
    without: str | None = None,
    **settings: str,
) -> Board:
    """A board whose `sh` is `shell` and whose user logs in to `login`; `without` is a program that it lacks."""
    programs = directory / "bin"
    programs.mkdir(parents=True)
    (programs / "sh").symlink_to(found(shell))
    for tool in TOOLS:
        if tool != without:
            (programs / tool).symlink_to(found(tool))
    wrapper = directory / "sshd"
    wrapper.write_text(_OWN_TMP)
    wrapper.chmod(0o755)
    monkeypatch.setattr(openssh, "SSHD", str(wrapper))
    monkeypatch.setenv("DIR", str(directory))
    if login:
        # As sshd calls a login shell, which it takes from /etc/passwd.
        settings["ForceCommand"] = f'exec {found(login)} -c "$SSH_ORIGINAL_COMMAND"'
    return Board(
        openssh.start(directory / "server", SetEnv="PATH=/tmp/bin", AuthorizedKeysFile="/tmp/id.pub", **settings)
    )


def found(program: str) -> str:
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert path, f"no {program} on this machine"
    return path
