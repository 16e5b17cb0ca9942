"""binfmt_misc handlers that let this machine run programs of other architectures, under this lab's own names.

The kernel's file ``register`` takes one line per handler (Documentation/admin-guide/binfmt-misc.rst). Flags: F opens
the interpreter at once, so that it works inside containers that do not have it; O and C pass the program's own file and
its rights.

The file system is mounted in the lab's own run directory: the one under /proc/sys/fs stays as it was found.
"""

import subprocess
from collections.abc import Iterable
from pathlib import Path

from lab import arch, debian
from lab.arch import Arch
from lab.place import Place


def needed(platforms: Iterable[str]) -> list[Arch]:
    """The architectures among the platforms that this machine cannot run by itself."""
    here = arch.host()
    wanted = {arch.of_platform(name) for name in platforms} - {here}
    if here is arch.ARM64 and _runs_32_bit():
        wanted.discard(arch.ARMV7)
    return sorted(wanted, key=lambda each: each.platform)


def register(place: Place, foreign: Iterable[Arch]) -> None:
    """Make this machine run programs of the foreign architectures. What is registered already stays."""
    folder = _folder(place)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "register").exists():
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", folder], check=True)
    for each in foreign:
        name = f"{place.tag}-{each.machine}"
        if (folder / name).exists():
            continue
        interpreter = _interpreter(each)
        line = f":{name}:M::{_escape(each.magic)}:{_escape(each.mask)}:{interpreter}:OCF"
        (folder / "register").write_text(line)


def remove(place: Place) -> None:
    """Take away this lab's handlers and its mount; nothing happens where there are none."""
    folder = _folder(place)
    if not folder.exists():
        return
    if not (folder / "register").exists():
        # A crash between the two, or somebody's umount: handlers outlive their mount on kernels before 6.7.
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", folder], check=True)
    for handler in folder.glob(f"{place.tag}-*"):
        handler.write_text("-1")
    subprocess.run(["umount", folder], check=True)
    folder.rmdir()


def _folder(place: Place) -> Path:
    return place.run / "binfmt"


def _escape(data: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in data)


def _interpreter(foreign: Arch) -> Path:
    """qemu for an architecture, statically linked: a container has none of its libraries.

    From Debian 13 on, all of qemu-user is static and qemu-user-static an empty package.
    """
    choices = [(f"{foreign.qemu}-static", "qemu-user-static"), (f"{foreign.qemu}-static", "qemu-user")]
    return debian.program([*choices, (foreign.qemu, "qemu-user")], arch.host())


def _runs_32_bit() -> bool:
    """Whether this arm64 kernel and CPU run 32-bit programs: some of either cannot, and then refuse the personality."""
    done = subprocess.run(["setarch", "linux32", "true"], capture_output=True, check=False)
    return done.returncode == 0
