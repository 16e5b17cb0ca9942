"""Values that the tests record."""

from __future__ import annotations

from datetime import UTC, datetime

from farm.platforms import Platform
from farm.report.outcome import Attempt, Built, Failed

STARTED = datetime(2025, 3, 1, 2, 0, tzinfo=UTC)
ARM64, ARM, AMD64 = Platform("linux", "arm64"), Platform("linux", "arm", "v7"), Platform("linux", "amd64")
REFERENCES = ("reg:5000/app:1", "reg:5000/app:latest")
TARGET = "reg:5000/app"
INPUTS = {"commit": "1a2b", "build-arg A": "99"}


def lost(node: str = "z1") -> Attempt:
    return Attempt(node=node, kind="node_lost", reason="no answer for 15 s", seconds=20.5)


def built(platform: Platform = ARM64, *, node: str = "pi4", seconds: float = 60.0, cached: int = 0) -> Built:
    """A platform that was lost on one node and built on another."""
    return Built(
        platform=platform,
        node=node,
        engine="buildkitd 0.34.2",
        digest="sha256:" + "aa" * 32,
        pushed="sha256:" + "bb" * 32,
        attempts=(lost(), Attempt(node=node, kind=None, reason="built", seconds=seconds)),
        seconds=seconds + 20.5,
        cached=cached,
        total=8,
        sent=1000,
        emulated=False,
        program="bin/app (arm64)",
    )


def failed(platform: Platform = AMD64) -> Failed:
    return Failed(platform=platform, attempts=(lost("z1"), lost("z2")), seconds=41.0)
