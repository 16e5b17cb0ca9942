"""What a board is before anything is changed on it. Pure: a script that asks, and what its answers mean."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from farm.nodes.engine.docker_info import IMAGE_STORE
from farm.nodes.probe import answers

ASK = """
one() { v=$("$@" 2>/dev/null | head -n 1) || v=; printf '%s\\n' "$v"; }
user=${SUDO_USER:-$(id -un)}
echo 'farm-probe begin'
echo "user=$user"
echo "uid=$(id -u "$user")"
[ ! -r /etc/os-release ] || (
    . /etc/os-release
    printf 'os.id=%s\\nos.version=%s\\nos.name=%s\\n' "${ID:-}" "${VERSION_ID:-}" "${PRETTY_NAME:-}"
)
echo "debian=$(one cat /etc/debian_version)"
echo "architecture=$(one dpkg --print-architecture)"
echo "init=$(one cat /proc/1/comm)"
[ ! -d /run/systemd/system ] || echo systemd=yes
echo "docker=$(one dockerd --version)"
echo "podman=$(one podman --version)"
echo "buildkitd=$(one /usr/local/bin/buildkitd --version)"
if [ -d /run/systemd/system ]; then
    echo "unit=$(one systemctl show buildkit.service -p FragmentPath --value)"
    echo "unit.user=$(one systemctl show buildkit.service -p User --value)"
fi
[ ! -e /etc/systemd/system/docker.service.d/50-farm.conf ] || echo set=yes
for file in /boot/firmware/cmdline.txt /boot/cmdline.txt; do [ ! -f "$file" ] || echo "cmdline=$file"; done
if command -v docker >/dev/null; then
    echo "store=$(docker info --format '{{json .DriverStatus}}' 2>/dev/null)"
fi
[ ! -r /etc/docker/daemon.json ] || echo "daemon=$(base64 -w 0 /etc/docker/daemon.json)"
echo "boot=$(cat /proc/sys/kernel/random/boot_id /proc/1/stat | tr '\\n' ' ')"
echo 'farm-probe end'
"""
"""The body of a script for root (see `script`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One board as `ASK` found it.

    `user` is who logs in. `system` is its name for people, `id` and `version` those of os-release(5), `debian` the
    release of Debian that it is or is made from, None for another system. `architecture` is Debian's word. `docker`
    is the Engine's version; it `has_image_store` where it keeps images as its BuildKit needs them, and
    `docker_is_set` where farm has changed its settings before. `buildkit_user` is who runs BuildKit there, None without
    it. `cmdline` is the file with the kernel's command line on a Raspberry Pi.
    `boot` changes with each start.
    """

    user: str
    uid: int
    system: str
    id: str
    version: tuple[int, ...]
    debian: int | None
    architecture: str
    has_systemd: bool
    docker: tuple[int, ...] | None
    has_image_store: bool
    docker_is_set: bool
    has_podman: bool
    buildkit_user: str | None
    cmdline: str | None
    daemon_json: str
    boot: str


def read(output: str) -> Board:
    """Raises UnusableAnswerError where the answers are not there, or cut short."""
    said = answers.read(output)

    def first(key: str) -> str:
        return said.first(key) or ""

    has_buildkit = bool(first("unit") and first("buildkitd"))
    return Board(
        user=first("user") or "root",
        uid=int(first("uid")) if re.fullmatch(r"[0-9]{1,10}", first("uid")) else 0,
        system=first("os.name") or first("os.id") or "an unknown system",
        id=first("os.id"),
        version=_numbers(first("os.version")),
        debian=_debian(first("debian"), first("os.id")),
        architecture=first("architecture"),
        has_systemd=first("systemd") == "yes",
        docker=_numbers(first("docker").removeprefix("Docker version ")) or None,
        has_image_store=IMAGE_STORE in first("store"),
        docker_is_set=first("set") == "yes",
        has_podman=bool(first("podman")),
        buildkit_user=(first("unit.user") or "root") if has_buildkit else None,
        cmdline=first("cmdline") or None,
        daemon_json=_decoded(first("daemon")),
        boot=boot(first("boot")),
    )


BOOT = "cat /proc/sys/kernel/random/boot_id /proc/1/stat"
"""Tells one start of a board from another, whatever its login shell."""


def boot(said: str) -> str:
    """What `BOOT` says, in a word: the kernel's own name of this start, and when the first process began.

    The latter because a container keeps its kernel (proc_pid_stat(5), field 22). Empty where it said nothing.
    """
    before, _, fields = said.rpartition(")")
    words, numbers = before.split(), fields.split()
    return f"{words[0]}-{numbers[19]}" if words and len(numbers) > 19 else ""


def _numbers(text: str) -> tuple[int, ...]:
    match = re.match(r"[0-9]+(?:\.[0-9]+)*", text)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


_CODENAMES = {"bullseye": 11, "bookworm": 12, "trixie": 13, "forky": 14, "sid": 15}


def _debian(text: str, system: str) -> int | None:
    """Debian and its images for boards say `13.1`; Ubuntu says the name of what it was made from, `trixie/sid`."""
    if numbers := _numbers(text):
        return numbers[0]
    name = text.partition("/")[0]
    return _CODENAMES.get(name, 13 if system == "ubuntu" else None) if name else None


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except binascii.Error:
        return ""
