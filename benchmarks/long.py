"""A build whose steps take a minute: what farm adds to the time that the slowest node needs by itself."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import farm_run
from benchmarks.place import BIN, Place
from benchmarks.timed import Timed, run

SECONDS = 60
# One platform for each node: with one slot a node builds its platforms one after the other, on purpose.
_PLATFORMS = {"pi4": "linux/arm64", "z1": "linux/amd64"}
_DOCKERFILE = f"""ARG BASE
FROM ${{BASE}}
ARG ONCE
RUN sleep {SECONDS} && echo "$ONCE" >/once
"""


def with_farm(place: Place) -> Timed:
    """`farm build`, from the start of its process to its end."""
    argument = ("--build-arg", f"ONCE={secrets.token_hex(8)}")
    return farm_run.build(place, _context(place), *argument, platforms=",".join(_PLATFORMS.values()))


def by_itself(place: Place) -> float:
    """The seconds of the slowest node's `buildctl`, on the node's own socket, without SSH; all nodes at once."""
    context = _context(place)
    once = secrets.token_hex(8)
    with ThreadPoolExecutor() as pool:
        return max(pool.map(lambda node: _buildctl(place, context, node, once), _PLATFORMS))


def _buildctl(place: Place, context: Path, node: str, once: str) -> float:
    image = f"type=image,name={place.registry}/buildctl-{node}:latest,push=true,registry.insecure=true"
    folder = place.folder / node
    folder.mkdir(exist_ok=True)
    argv: list[str | Path] = [
        *(BIN / "buildctl", "--addr", f"unix://{place.state.node(node).socket}", "build"),
        *("--frontend", "dockerfile.v0", "--local", f"context={context}", "--local", f"dockerfile={context}"),
        *("--opt", f"platform={_PLATFORMS[node]}", "--opt", f"build-arg:{place.base}"),
        *("--opt", f"build-arg:ONCE={once}", "--output", image),
    ]
    return run(argv, folder).seconds


def _context(place: Place) -> Path:
    context = place.folder / "minute"
    context.mkdir(exist_ok=True)
    (context / "Dockerfile").write_text(_DOCKERFILE)
    return context
