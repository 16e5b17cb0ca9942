"""Who may use an engine's socket. Pure."""

from __future__ import annotations

from shlex import quote

from farm.provision.step import Step


def group(name: str, user: str) -> Step:
    """The group is there, and the user is in it. Root needs neither, but the group owns the socket all the same."""
    member = "" if user == "root" else quote(user)
    in_it = f"id -nG {member} | tr ' ' '\\n' | grep -qxF {name} || needed {member} is not in the group {name}\n"
    return Step(
        name="group",
        describe=f"let {user} use the socket, through the group {name}",
        check=f"getent group {name} >/dev/null || needed there is no group {name}\n" + (in_it if member else ""),
        apply=f"getent group {name} >/dev/null || groupadd --system {name}\n"
        + (f"usermod --append --groups {name} {member}\n" if member else ""),
    )
