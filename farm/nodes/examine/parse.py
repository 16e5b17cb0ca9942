"""The script's answer as a Condition. Pure."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

from farm.nodes import readings
from farm.nodes.examine import sshd
from farm.nodes.examine.condition import Condition, Place
from farm.nodes.probe import answers
from farm.nodes.probe.answers import Answers

_PLACES = ("buildkit", "rootless", "docker", "containerd", "docker.rootless", "podman", "podman.rootless")
# A line of `df -P`: size, used, available, per cent, mount point. Inodes may be `-`, for none.
_TABLE = re.compile(r"\s(\d{1,18}|-)\s+(?:\d+|-)\s+(\d{1,18}|-)\s+(?:\d+%|-)\s+(/.*)$")
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?")
_HUB = "docker.io"


def condition(output: str) -> Condition:
    """What the script's output says. Raises UnusableAnswerError where it is something else, or cut short."""
    said = answers.read(output)
    return Condition(
        places={name: place for name in _PLACES if (place := _place(said, name)) is not None},
        swap=readings.kibibytes(dict(said.fields("swap")).get("SwapTotal")),
        cgroup={"1": 1, "2": 2}.get(said.first("cgroup") or ""),
        has_memory_controller=_memory_controller(said),
        boot_file=said.first("boot"),
        has_overlay={"yes": True, "no": False}.get(said.first("overlay") or ""),
        seccomp=_version(said.first("seccomp")),
        runs_own=said.first("runc") == "own",
        emulators=tuple(said.all("emulator")),
        throttled=readings.throttled(said),
        undervoltage={"1": True, "0": False}.get(said.first("undervoltage") or ""),
        sshd=sshd.settings(said.all("sshd")),
        sshd_denied=said.first("sshd.denied"),
        docker_mirrors=_docker_mirrors("\n".join(said.all("docker.json"))),
        buildkit_mirrors=_buildkit_mirrors("\n".join(said.all("toml"))),
        rootless_mirrors=_buildkit_mirrors("\n".join(said.all("toml.rootless"))),
    )


def _place(said: Answers, name: str) -> Place | None:
    size, inodes = (_row(said.all(f"{key}.{name}")) for key in ("bytes", "inodes"))
    path = said.first(f"path.{name}")
    if path is None or size is None or size[0] is None or size[1] is None:
        return None
    read_only = {line.split()[1] for line in said.all("readonly") if len(line.split()) > 1}
    return Place(
        path=path,
        total=size[0] * 1024,
        free=size[1] * 1024,
        # A file system without a fixed number of inodes says 0 of 0.
        inodes_total=inodes[0] or None if inodes else None,
        inodes_free=inodes[1] if inodes and inodes[0] else None,
        is_read_only=size[2] in read_only,
    )


def _row(table: list[str]) -> tuple[int | None, int | None, str] | None:
    found = next((match for line in reversed(table) if (match := _TABLE.search(line))), None)
    return None if found is None else (_number(found[1]), _number(found[2]), found[3])


def _memory_controller(said: Answers) -> bool | None:
    controllers = (said.first("controllers") or "").split()
    # "#subsys_name hierarchy num_cgroups enabled"
    rows = [line.split() for line in said.all("cgroups")]
    if not controllers and not rows:
        return None
    # Where both versions are mounted, the one that has it may be the other.
    return "memory" in controllers or any(row[0] == "memory" and row[-1] == "1" for row in rows if row)


def _docker_mirrors(text: str) -> tuple[str, ...]:
    try:
        settings = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    mirrors = settings.get("registry-mirrors") if isinstance(settings, dict) else None
    return tuple(str(mirror) for mirror in mirrors) if isinstance(mirrors, list) else ()


def _buildkit_mirrors(text: str) -> tuple[str, ...]:
    try:
        settings: dict[str, Any] = tomllib.loads(text)
    except (ValueError, RecursionError):
        return ()
    hub = settings.get("registry")
    hub = hub.get(_HUB) if isinstance(hub, dict) else None
    mirrors = hub.get("mirrors") if isinstance(hub, dict) else None
    return tuple(str(mirror) for mirror in mirrors) if isinstance(mirrors, list) else ()


def _version(text: str | None) -> tuple[int, ...] | None:
    found = _VERSION.search(text or "")
    return tuple(int(part or 0) for part in found.groups()) if found else None


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,18}", text) else None
