"""The node's SSH server. Pure."""

from __future__ import annotations

import re

from farm.doctor.examined import Examined
from farm.doctor.finding import Finding, NotChecked, Severity, Verdicts

# What OpenSSH has by default is 10 of each. Below this, one run beside somebody's own ssh is too much.
_FEW_STARTUPS = 4
_RELOAD = "sudo systemctl reload ssh"
_FILE = "/etc/ssh/sshd_config"
_DEFAULTS = {
    "maxsessions": "10",
    "maxstartups": "10:30:100",
    "allowstreamlocalforwarding": "yes",
    "disableforwarding": "no",
}


def sshd_sessions(it: Examined) -> Verdicts:
    """With MaxSessions 1 the lease that a build holds on its node leaves no room for a second command.

    It is refused as "administratively prohibited"; buildx over ssh:// meets the same (docker/compose 11677).
    """
    needed = it.node.slots + 1
    value = _setting(it, "maxsessions")
    if value is None:
        yield from _unread(it)
    elif re.fullmatch(r"[0-9]{1,6}", value) and int(value) < needed:
        yield Finding(
            severity=Severity.ERROR,
            what=f"its SSH server allows too few commands at a time on one connection (MaxSessions {value})",
            why=f"farm needs {needed}: one for each of its slots, and one to ask the node with",
            fix=_set("MaxSessions", "10"),
            is_fixed_there=True,
            mend=("sshd",),
        )


def sshd_startups(it: Examined) -> Verdicts:
    """A small MaxStartups drops connections at random while others log in (docker/compose 10117, ghaf-infra 194)."""
    value = _setting(it, "maxstartups")
    if value is None:
        yield from _unread(it)
        return
    start = re.match(r"\d{1,6}", value)
    if start and int(start[0]) < _FEW_STARTUPS:
        yield Finding(
            severity=Severity.WARNING,
            what=f"its SSH server drops connections while {start[0]} others log in (MaxStartups {value})",
            why="a run that connects at the same moment as another is turned away, now and then",
            fix=_set("MaxStartups", "10:30:100"),
            is_fixed_there=True,
            mend=("sshd",),
        )


def sshd_forwarding(it: Examined) -> Verdicts:
    """A hardened sshd forbids tunnels to sockets: the node answers, its BuildKit seems to be dead."""
    if not is_forwarding_off(it):
        if _setting(it, "allowstreamlocalforwarding") is None:
            yield from _unread(it)
        return
    disabled = _setting(it, "disableforwarding") == "yes"
    name, right = ("DisableForwarding", "no") if disabled else ("AllowStreamLocalForwarding", "yes")
    yield Finding(
        severity=Severity.ERROR,
        what=f"its SSH server allows no tunnel to a socket ({name} {_setting(it, name.lower())})",
        why="BuildKit's socket is reached through such a tunnel, so nothing can be built there",
        fix=_set(name, right),
        is_fixed_there=True,
        mend=("sshd",),
    )


def is_forwarding_off(it: Examined) -> bool:
    """Whether the server's settings keep farm from the engine's socket."""
    streams, disabled = (_setting(it, name) for name in ("allowstreamlocalforwarding", "disableforwarding"))
    return streams in ("no", "remote") or disabled == "yes"


def _setting(it: Examined, name: str) -> str | None:
    """A setting, or OpenSSH's own default where the files say nothing of it; None where they could not be read."""
    if it.condition is None or not it.condition.sshd or it.node.engine == "local":
        return None
    return it.condition.sshd.get(name, _DEFAULTS[name]).lower()


def _unread(it: Examined) -> Verdicts:
    if it.node.engine == "local":
        return
    denied = it.condition.sshd_denied if it.condition else None
    reason = f"{denied} may not be read" if denied else "the SSH server's settings were not found"
    yield NotChecked(reason=it.silent_because or reason)


def _set(name: str, value: str) -> str:
    """The first value counts, and Debian's file begins with the inclusion of others: so it is put at the very top."""
    return f"sudo sed -i '1i {name} {value}' {_FILE} && {_RELOAD}"
