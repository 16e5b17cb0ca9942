"""`python -m benchmarks.schedule.survey FOLDER PORT...`: reach the servers of these ports as a run reaches its nodes.

Prints as JSON the seconds that it took, the CPU's seconds, and the memory by which the process has grown, in bytes. A
first node, apart from the others, loads whatever has to be loaded.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from farm.inventory import Node
from farm.nodes.facts import Facts
from farm.report.events import Event
from farm.workflow.survey import surveyed


async def measure(folder: Path, ports: list[int]) -> dict[str, float]:
    """Survey all nodes at once, with all connections open at the end."""
    nodes = {f"n{port}": _node(folder, port) for port in ports}
    first, *others = nodes
    await _survey({first: nodes[first]})
    before = _resident()
    began, used = time.perf_counter(), time.process_time()
    async with surveyed({name: nodes[name] for name in others}, _nobody) as survey:
        seconds, cpu = time.perf_counter() - began, time.process_time() - used
        grown = _resident() - before
        for answer in survey.answers.values():
            if not isinstance(answer, Facts):
                raise answer.error
    return {"nodes": len(others), "seconds": seconds, "cpu_seconds": cpu, "bytes_per_node": grown / len(others)}


async def _survey(nodes: Mapping[str, Node]) -> None:
    async with surveyed(nodes, _nobody):
        pass


def _nobody(_event: Event) -> None:
    pass


def _node(folder: Path, port: int) -> Node:
    return Node(
        name=f"n{port}",
        host="127.0.0.1",
        port=port,
        user="farm",
        key=folder / "ssh" / "id",
        known_hosts=folder / "ssh" / "known_hosts",
        engine="buildkitd",
        socket=str(folder / "buildkitd.sock"),
    )


def _resident() -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(Path(sys.argv[1]), [int(port) for port in sys.argv[2:]]))))
