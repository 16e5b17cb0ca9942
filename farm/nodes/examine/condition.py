"""What an examination found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an engine keeps its layers and caches, and the file system there. Sizes in bytes.

    `inodes_*` is None for a file system that makes them as it needs them (btrfs).
    """

    path: str
    free: int
    total: int
    inodes_free: int | None = None
    inodes_total: int | None = None
    is_read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A node as a doctor sees it, beyond its Facts. None is "the node could not say".

    `places` has the script's words as keys: buildkit, rootless, docker, containerd, docker.rootless, podman,
    podman.rootless. `swap` is in bytes. `cgroup` is the version of control groups, `boot_file` where a Raspberry Pi's
    kernel command line is. `seccomp` is libseccomp's version, `runs_own` whether BuildKit brings its own container
    runtime. `throttled` is the firmware's bit mask (vcgencmd get_throttled). `sshd` has lower-case keywords and the
    values that hold for everybody; `sshd_denied` is a file of it that the user may not read. `docker_mirrors` are
    daemon.json's, `buildkit_mirrors` buildkitd.toml's for Docker Hub, rootful and rootless.
    """

    places: Mapping[str, Place] = field(default_factory=dict)
    swap: int | None = None
    cgroup: int | None = None
    has_memory_controller: bool | None = None
    boot_file: str | None = None
    has_overlay: bool | None = None
    seccomp: tuple[int, ...] | None = None
    runs_own: bool = False
    emulators: tuple[str, ...] = ()
    throttled: int | None = None
    undervoltage: bool | None = None
    sshd: Mapping[str, str] = field(default_factory=dict)
    sshd_denied: str | None = None
    docker_mirrors: tuple[str, ...] = ()
    buildkit_mirrors: tuple[str, ...] = ()
    rootless_mirrors: tuple[str, ...] = ()
