"""How long farm takes to connect to two hundred nodes and to probe them, and what memory each costs.

The nodes are SSH servers in a process of their own (servers.py), so that what they cost is not counted as farm's,
though they share this machine's CPUs with it. What is measured is farm's own survey: the host key checked against a
known_hosts file of two hundred lines, a key to log in with, the probe's whole answer, and a BuildKit asked for its
version through a tunnel. What the probe's shell would cost a node is left out: nodes have CPUs of their own for that.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import timed
from benchmarks.place import BIN
from benchmarks.spread import spread
from benchmarks.timed import FailedRunError

COUNT, AIM_SECONDS = 200, 3.0
_START_SECONDS = 60.0


def measure(*, runs: int = 5, count: int = COUNT) -> dict[str, Any]:
    """Survey as many nodes, as many times, each time from a new process. Raises FailedRunError."""
    with tempfile.TemporaryDirectory(prefix="farm-nodes-") as name:
        folder = Path(name)
        # One more, for what is loaded with the first.
        with _buildkitd(folder), _servers(folder, count + 1) as ports:
            rounds = [_survey(folder, ports) for _ in range(runs)]
    return {
        "nodes": count,
        "rounds": runs,
        "aim_seconds": AIM_SECONDS,
        "seconds": spread([each["seconds"] for each in rounds]).document(),
        "cpu_seconds": spread([each["cpu_seconds"] for each in rounds]).document(),
        "bytes_per_node": round(spread([each["bytes_per_node"] for each in rounds]).median),
    }


def lines(document: dict[str, Any]) -> list[str]:
    """The same for people."""
    seconds, cpu = document["seconds"], document["cpu_seconds"]["median"]
    span = f"{seconds['min']:.2f} to {seconds['max']:.2f}"
    return [
        f"{document['nodes']} nodes over SSH, connected and probed, median of {document['rounds']} rounds:",
        f"  {seconds['median']:.2f} s ({span}), {cpu:.2f} s of it farm's work; aim: {document['aim_seconds']:g} s",
        f"  {document['bytes_per_node'] / 1000:.0f} kB of memory a node",
    ]


def _survey(folder: Path, ports: list[int]) -> dict[str, float]:
    argv: list[str | Path] = [sys.executable, "-m", "benchmarks.schedule.survey", folder, *map(str, ports)]
    measured: dict[str, float] = json.loads(timed.run(argv, folder).stdout)
    return measured


@contextlib.contextmanager
def _servers(folder: Path, count: int) -> Iterator[list[int]]:
    """The ports of as many servers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.schedule.servers", str(count), folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise FailedRunError("the servers have ended before they listened")
        try:
            yield json.loads(line)
        finally:
            process.stdin.close()


@contextlib.contextmanager
def _buildkitd(folder: Path) -> Iterator[None]:
    """The BuildKit that every node has."""
    program, socket = BIN / "buildkitd", folder / "buildkitd.sock"
    if not program.exists():
        raise FailedRunError("there is no buildkitd: run scripts/setup")
    with (folder / "buildkitd.log").open("wb") as log:
        process = subprocess.Popen(
            [
                program,
                "--root",
                folder / "root",
                "--addr",
                f"unix://{socket}",
                "--otel-socket-path",
                folder / "otel.sock",
            ],
            stdout=log,
            stderr=log,
        )
    with process:
        try:
            end = time.monotonic() + _START_SECONDS
            while not socket.exists():
                if process.poll() is not None or time.monotonic() > end:
                    raise FailedRunError(f"buildkitd does not start: {(folder / 'buildkitd.log').read_text()}")
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
