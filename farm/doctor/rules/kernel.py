"""What the kernel and the system call filter must know. Pure."""

from __future__ import annotations

import re

from farm.doctor.examined import Examined
from farm.doctor.finding import Finding, NotChecked, Severity, Verdicts

# The first that knows the system calls with 64-bit times (release notes of libseccomp 2.4.2, and of Alpine 3.13).
_TIME64 = (2, 4, 2)
_32_BIT = ("arm", "386")
# Since 5.11 anybody may mount an overlay in a user namespace of his own (Linux, fs/overlayfs: FS_USERNS_MOUNT).
_UNPRIVILEGED = (5, 11)


def overlayfs(it: Examined) -> Verdicts:
    """Without overlayfs BuildKit copies every layer whole (its snapshotter `native`): a full disk, and slow steps."""
    if it.condition is None or it.condition.has_overlay is None:
        yield NotChecked(reason=it.silent_because or "the node has no list of its kernel's modules")
        return
    if not it.condition.has_overlay:
        yield Finding(
            severity=Severity.WARNING,
            what=f"its kernel {it.facts.kernel} has no overlayfs",
            why="every layer is copied whole: builds take minutes longer, and many times the disk",
            fix="install the distribution's own kernel and start the node anew",
            is_fixed_there=True,
        )
    elif it.is_rootless and (release := _release(it.facts.kernel)) and release < _UNPRIVILEGED:
        yield Finding(
            severity=Severity.WARNING,
            what=f"its kernel {it.facts.kernel} lets root alone mount an overlay, and the engine is rootless",
            why="every layer is copied whole, or goes through the slower fuse-overlayfs",
            fix="sudo apt-get full-upgrade && sudo reboot",
            is_fixed_there=True,
        )


def seccomp_too_old(it: Examined) -> Verdicts:
    """With libseccomp before 2.4.2, 32-bit images of today see the year 1970 or 1900: apk, apt and TLS fail in steps.

    Docker hosts on Debian 10 and its like (docker-alpine 150): the filter refuses system calls that it does not know.
    """
    names = {each.architecture for each in it.node.platforms or it.facts.native}
    if not names & set(_32_BIT) or (it.condition is not None and it.condition.runs_own and not _is_docker(it)):
        return
    if it.condition is None or it.condition.seccomp is None:
        yield NotChecked(reason=it.silent_because or "no package manager there that knows libseccomp")
    elif it.condition.seccomp < _TIME64:
        version = ".".join(str(part) for part in it.condition.seccomp)
        yield Finding(
            severity=Severity.ERROR,
            what=f"libseccomp {version} does not know the system calls of today's 32-bit images",
            why="in steps for 32-bit platforms the clock is wrong, and apk, apt and TLS fail",
            fix="sudo apt-get update && sudo apt-get install -y -t buster-backports libseccomp2",
            is_fixed_there=True,
        )


def _is_docker(it: Examined) -> bool:
    return it.kind not in (None, "buildkitd")


def _release(kernel: str) -> tuple[int, ...] | None:
    found = re.match(r"(\d{1,4})\.(\d{1,4})", kernel)
    return (int(found[1]), int(found[2])) if found else None
