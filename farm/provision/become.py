"""Root's rights on a node: as root, through sudo without a password, or with one that is asked for."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from farm.errors import FarmError, RefusedError
from farm.nodes import shell
from farm.nodes.completed import Completed

# As `shell.COMMAND`, words that every login shell reads alike. -k: what sudo remembers of an earlier log-in does not
# count, so that it reads the password whenever it was given one, and never the script in its place.
_SUDO = "exec env LC_ALL=C sudo -k -n sh -s"
_SUDO_ASKS = "exec env LC_ALL=C sudo -k -S -p ''"
_SECONDS = 30.0

Run = Callable[[str, bytes, float], Completed]
"""Runs a command with an input, within so many seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """The command that gives a shell of root, and what goes to its input before the script."""

    command: str
    prefix: bytes = field(default=b"", repr=False)


def rights(node: str, run: Run, ask: Callable[[], str]) -> Rights:
    """Find out how. `ask` is called for the password of sudo, and only where there is no way without.

    Raises RefusedError where the user may not become root, or the password is wrong.
    """
    mark = secrets.token_hex(8)  # no login shell prints it by itself
    question = f'[ "$(id -u)" = 0 ] && echo {mark}\n'.encode()
    if mark in run(shell.COMMAND, question, _SECONDS).stdout:
        return Rights(command=shell.COMMAND)
    done = run(_SUDO, question, _SECONDS)
    if mark in done.stdout:
        return Rights(command=_SUDO)
    if done.exit_status == 127 or "not found" in done.stderr or "No such file" in done.stderr:
        raise RefusedError(
            f"{node}: the user is not root, and sudo is not there",
            fix="install sudo on the node, or let farm log in as root: `user: root`",
        )
    if "password is required" not in done.stderr:
        raise _not_allowed(node, done)
    prefix = ask().encode() + b"\n"
    # Without a script: after a wrong password sudo would take it for the next tries.
    done = run(f"{_SUDO_ASKS} id -u", prefix, _SECONDS)
    if done.stdout.split()[-1:] == ["0"]:
        return Rights(command=f"{_SUDO_ASKS} sh -s", prefix=prefix)
    if "incorrect password" in done.stderr or "try again" in done.stderr or "no password was provided" in done.stderr:
        raise RefusedError(f"{node}: sudo does not accept the password", fix="run it again, and type it once more")
    raise _not_allowed(node, done)


def _not_allowed(node: str, done: Completed) -> FarmError:
    said = next((line.strip() for line in reversed(done.stderr.splitlines()) if line.strip()), "sudo refuses")
    return RefusedError(
        f"{node}: the user may not become root: {said}",
        fix="put it into the group sudo on the node (usermod -aG sudo USER), or let farm log in as root",
    )
