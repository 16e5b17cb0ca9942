"""Debian's packages, unattended. Pure: the scripts that install them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from shlex import quote

from farm.provision.step import Step

# Somebody else's apt, such as unattended-upgrades on a fresh board, may hold the lock for minutes.
_LOCK_SECONDS = 600
_INSTALL = f"""
apt() {{ # what apt prints goes away unless it fails
    log=$(mktemp)
    if ! apt-get -q -y -o DPkg::Lock::Timeout={_LOCK_SECONDS} -o Dpkg::Options::=--force-confdef \\
        -o Dpkg::Options::=--force-confold "$@" >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}}
refresh() {{ # lists have a lock of their own, and mirrors are met in the middle of an update
    for pause in 5 10 20 0; do
        apt update && return
        sleep "$pause"
    done
    return 1
}}
# What an earlier try left half installed. It fails where somebody is just at it: apt waits for them.
[ -z "$(dpkg --audit)" ] || dpkg --force-confold --force-confdef --configure -a >/dev/null 2>&1 || :
apt install --no-install-recommends "$@" 2>/dev/null ||
    {{ refresh && apt install --no-install-recommends "$@"; }} ||
    fail "apt-get could not install $*"
"""


def packages(name: str, wanted: Sequence[str], *, environment: Mapping[str, str]) -> Step:
    """Install what is not there of some packages; `environment` tells apt of a proxy."""
    words = " ".join(quote(each) for each in wanted)
    through = "".join(f"export {variable}={quote(value)}\n" for variable, value in environment.items())
    return Step(
        name=name,
        describe=f"install {', '.join(wanted)}",
        check=f"""command -v apt-get >/dev/null || by_hand "it has no apt-get: install {", ".join(wanted)} yourself"
missing=
for each in {words}; do
    state=$(dpkg-query -W -f '${{db:Status-Status}}' "$each" 2>/dev/null) || state=
    [ "$state" = installed ] || missing="$missing $each"
done
[ -z "$missing" ] || needed "not installed:$missing"
""",
        apply=f"set -- {words}\n{through}{_INSTALL}",
        within=1800.0,
    )
