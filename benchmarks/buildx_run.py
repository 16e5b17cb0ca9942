"""(b) and (c): buildx alone, on one builder made with `--append`, as people join their boards without farm."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.place import BIN, MEMBERS, PLATFORMS, REMOTE_SOCKET, ROOT, Place
from benchmarks.timed import FailedRunError, Timed, run
from lab import account, ports

_PATIENCE = 10.0


def make_builder(place: Place, name: str, endpoints: Mapping[str, str], env: Mapping[str, str] | None = None) -> None:
    """Make the builder, once, as its owner would have done long ago. Raises FailedRunError."""
    for number, (node, platforms) in enumerate(MEMBERS.items()):
        append = ["--append"] if number else []
        argv = ["create", "--driver", "remote", "--name", name, *append, "--platform", ",".join(platforms)]
        run([BIN / "buildx", *argv, endpoints[node]], place.folder, _environment(place, env))


def build(place: Place, name: str, env: Mapping[str, str] | None = None) -> Timed:
    """Build examples/hello on the builder and push it. Raises FailedRunError."""
    argv: list[str | Path] = [
        *(BIN / "buildx", "build", "--builder", name, "--platform", PLATFORMS, "--build-arg", place.base),
        *("--tag", f"{place.registry}/{name}:latest", "--push", "--progress", "plain", ROOT / "examples" / "hello"),
    ]
    return run(argv, place.folder, _environment(place, env))


def forwarded(place: Place) -> dict[str, str]:
    """The endpoints behind which `forwards` brings the nodes' sockets."""
    return {name: f"unix://{_socket(place, name)}" for name in MEMBERS}


@contextlib.contextmanager
def forwards(place: Place) -> Iterator[float]:
    """Forward every node's socket with `ssh -N -L`, all at once; gives the seconds until all are there."""
    who = account.current().name
    start = time.perf_counter()
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for node in place.members:
            socket = _socket(place, node.shape.name)
            socket.unlink(missing_ok=True)
            argv = ["ssh", "-N", *place.ssh_options(), "-o", "ExitOnForwardFailure=yes", "-p", str(node.port)]
            processes.append(
                subprocess.Popen(
                    [*argv, "-L", f"{socket}:{REMOTE_SOCKET}", f"{who}@{ports.ADDRESS}"],
                    stdin=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
        while not all(_socket(place, name).exists() for name in MEMBERS):
            if time.perf_counter() - start > _PATIENCE or any(process.poll() is not None for process in processes):
                raise FailedRunError("ssh -N -L did not bring the nodes' sockets here")
            time.sleep(0.002)
        yield time.perf_counter() - start
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def ssh_endpoints(place: Place) -> dict[str, str]:
    """`ssh://` endpoints as BuildKit dials them: with the machine's ssh and with buildctl on the node."""
    who = account.current().name
    return {node.shape.name: f"ssh://{who}@{ports.ADDRESS}:{node.port}{REMOTE_SOCKET}" for node in place.members}


def ssh_settings(place: Place) -> dict[str, str]:
    """The environment in which `ssh` knows the lab.

    BuildKit gives ssh no options and ssh asks the password file, not HOME, for its settings, so one in front of the
    real ssh on PATH brings them along.
    """
    folder = place.folder / "bin"
    folder.mkdir(exist_ok=True)
    wrapper = folder / "ssh"
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} {shlex.join(place.ssh_options())} "$@"\n')
    wrapper.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def _socket(place: Place, name: str) -> Path:
    return place.folder / f"{name}.sock"


def _environment(place: Place, env: Mapping[str, str] | None) -> dict[str, str]:
    return {"BUILDX_CONFIG": str(place.folder / "buildx"), **(env or {})}
