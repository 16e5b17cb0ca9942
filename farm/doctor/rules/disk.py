"""The file system on which the engine keeps layers and caches. Pure."""

from __future__ import annotations

from farm.doctor.examined import Examined
from farm.doctor.finding import Finding, NotChecked, Severity, Verdicts
from farm.report import words

# One base image and one build need some hundred megabytes; an image with a compiler in it needs gigabytes.
_LEAST_FREE, _LITTLE_FREE = 1_000_000_000, 4_000_000_000
# Unpacking one image of a distribution takes ten thousand inodes, one with Node.js packages far more.
_LEAST_INODES, _FEW_INODES = 10_000, 100_000
_UNKNOWN = "the node did not say how much its disk holds"


def disk_space(it: Examined) -> Verdicts:
    """A full disk ends builds with "no space left on device", often after an hour of them (docker/for-linux, 1423)."""
    if not it.places:
        yield NotChecked(reason=it.silent_because or _UNKNOWN)
        return
    place = min(it.places, key=lambda each: each.free)
    if place.free < _LITTLE_FREE:
        yield Finding(
            severity=Severity.ERROR if place.free < _LEAST_FREE else Severity.WARNING,
            what=f"{words.size(place.free)} of {words.size(place.total)} are free in {place.path}",
            why="builds end with `no space left on device`",
            fix=_prune(it),
            is_fixed_there=True,
        )


def disk_inodes(it: Examined) -> Verdicts:
    """A disk can have space left and no inode: "no space left on device" with gigabytes free (moby/buildkit, 3039).

    BuildKit's own clean-up looks at bytes alone.
    """
    known = [(place.inodes_free, place) for place in it.places if place.inodes_free is not None]
    if not known:
        if not it.places:
            yield NotChecked(reason=it.silent_because or _UNKNOWN)
        return
    free, place = min(known, key=lambda each: each[0])
    if free < _FEW_INODES:
        yield Finding(
            severity=Severity.ERROR if free < _LEAST_INODES else Severity.WARNING,
            what=f"{free} of {place.inodes_total} inodes are free in {place.path}",
            why="builds end with `no space left on device` with gigabytes free, and BuildKit cleans up by bytes alone",
            fix=_prune(it),
            is_fixed_there=True,
        )


def disk_read_only(it: Examined) -> Verdicts:
    """A dying SD card: after write errors the kernel mounts the file system read-only, and the board seems healthy."""
    for place in it.places[:1]:
        if place.is_read_only:
            yield Finding(
                severity=Severity.ERROR,
                what=f"{place.path} is on a file system that is mounted read-only",
                why="nothing can be built; the kernel does this after write errors, as a worn SD card gives them",
                fix="sudo dmesg --level=err,warn | grep -iE 'mmc|ext4|I/O'",
                is_fixed_there=True,
            )


def _prune(it: Examined) -> str:
    if it.engine is None:
        return "sudo du -xh / | sort -h | tail"
    if it.kind == "buildkitd":
        return f"buildctl --addr unix://{it.engine.socket} prune --all"
    return f"{it.engine.engine} system prune --force" + (
        " && docker builder prune --all --force" if it.kind == "docker" else ""
    )
