"""A real BuildKit with buildx and a registry, for tests that ask what these do."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.edge.nodes.waiting import wait_until
from tests.edge.registry import docker_registry
from tests.edge.registry.docker_registry import Registry


def tool(name: str) -> str:
    """The program that scripts/setup has put beside Python, else one on PATH."""
    beside = Path(sys.executable).with_name(name)
    program = str(beside) if beside.exists() else shutil.which(name)
    assert program, f"no {name}: run scripts/setup"
    return program


@contextlib.contextmanager
def buildkitd(directory: Path) -> Iterator[Path]:
    """The socket of a buildkitd that keeps everything in a directory."""
    socket, log = directory / "bk.sock", directory / "bk.log"
    addresses = ["--addr", f"unix://{socket}", "--otel-socket-path", str(directory / "otel.sock")]
    with log.open("wb") as file:
        command = [tool("buildkitd"), "--root", str(directory / "root"), *addresses]
        process = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        wait_until(lambda: socket.exists() or process.poll() is not None, seconds=60)
        assert process.poll() is None, log.read_text()
        yield socket
    finally:
        process.terminate()
        process.wait(30)


class Builder:
    """A buildx builder on a buildkitd of its own, and a registry for it."""

    def __init__(self, directory: Path, socket: Path, registry: Registry) -> None:
        self.registry = registry
        self._program, self._directory = tool("buildx"), directory
        self._environment = {**os.environ, "BUILDX_CONFIG": str(directory / "buildx")}
        self._run("create", "--name", "pins", "--driver", "remote", f"unix://{socket}")

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [self._program, *arguments], env=self._environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stderr

    def add(self, name: str, content: bytes) -> None:
        """Put a file into the context."""
        (self._directory / "context").mkdir(exist_ok=True)
        (self._directory / "context" / name).write_bytes(content)

    def build_digest(self, dockerfile: str, *options: str) -> str:
        """Build and return the digest of what was pushed."""
        metadata = self._directory / "metadata.json"
        self.build(dockerfile, *options, "--metadata-file", str(metadata))
        digest: str = json.loads(metadata.read_bytes())["containerimage.digest"]
        return digest

    def build(self, dockerfile: str, *options: str) -> str:
        """Build and return what buildx said."""
        context = self._directory / "context"
        context.mkdir(exist_ok=True)
        (context / "Dockerfile").write_text(dockerfile)
        return self._run("build", "--builder", "pins", "--progress", "plain", *options, str(context))

    def push(self, name: str, content: str) -> None:
        """Push an image with one file, /f."""
        self.build(f"FROM scratch\nCOPY <<E /f\n{content}\nE\n", "--push", "--tag", f"{self.registry.domain}/{name}")

    def files(self, dockerfile: str, *options: str) -> dict[str, str]:
        """Build and return the files of the result."""
        out = self._directory / "out"
        shutil.rmtree(out, ignore_errors=True)
        self.build(dockerfile, *options, "--output", f"type=local,dest={out}")
        return {path.name: path.read_text().strip() for path in out.iterdir()}


@contextlib.contextmanager
def running() -> Iterator[Builder]:
    """A builder for the tests of one module."""
    with tempfile.TemporaryDirectory(prefix="farm-bk-") as name:
        directory = Path(name)
        registry = docker_registry.start(directory / "registry")
        try:
            with buildkitd(directory) as socket:
                yield Builder(directory, socket, registry)
        finally:
            registry.stop()
