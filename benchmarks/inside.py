"""Looks into farm where a run from outside shows only a sum: what is imported, how long each node takes to answer."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterable

from benchmarks import farm_run
from benchmarks.place import ROOT, Place
from benchmarks.timed import run
from farm.inventory import Node, load

_ROUNDS = 5


def imports(place: Place) -> dict[str, float]:
    """The seconds that each package takes to load in one run, by its top-level name; measuring itself adds to them."""
    argv = [sys.executable, "-X", "importtime", "-m", "farm", *farm_run.arguments(place, ROOT / "examples" / "hello")]
    return by_package(run(argv, place.folder, farm_run.environment(place)).stderr.splitlines())


def by_package(lines: Iterable[str]) -> dict[str, float]:
    """Add up the own times in what `python -X importtime` prints, the slowest package first. Pure."""
    found: Counter[str] = Counter()
    for line in lines:
        numbers, _, name = line.removeprefix("import time:").rpartition("|")
        own = numbers.partition("|")[0].strip()
        if line.startswith("import time:") and own.isdigit():
            top = name.strip().partition(".")[0]
            found["Python's own" if top in sys.stdlib_module_names else top] += int(own)
    return {name: microseconds / 1e6 for name, microseconds in found.most_common()}


def nodes(place: Place) -> dict[str, dict[str, float]]:
    """The seconds that each node takes: `connect` (TCP, key exchange, log in), `ask` (the probe), `open` (its socket).

    All nodes are reached at once, as in a run; medians.
    """
    return asyncio.run(_nodes(place))


async def _nodes(place: Place) -> dict[str, dict[str, float]]:
    wanted = load(place.lab / "inventory.yaml").nodes.values()
    found: dict[str, list[dict[str, float]]] = {node.name: [] for node in wanted}
    for number in range(_ROUNDS + 1):
        for node, seconds in zip(wanted, await asyncio.gather(*(_node(node, place) for node in wanted)), strict=True):
            if number:  # the first loads modules
                found[node.name].append(seconds)
    return {
        name: {part: statistics.median(each[part] for each in rounds) for part in rounds[0]}
        for name, rounds in found.items()
    }


async def _node(node: Node, place: Place) -> dict[str, float]:
    from farm.nodes.engine.endpoint import open_endpoint
    from farm.nodes.probe.ask import probe
    from farm.nodes.ssh.connect import connect

    times = [time.perf_counter()]
    session = await connect(node)
    try:
        times.append(time.perf_counter())
        facts = await probe(session, node)
        times.append(time.perf_counter())
        endpoint = await open_endpoint(node, facts, session, place.folder)
        times.append(time.perf_counter())
        await endpoint.close()
    finally:
        await session.close()
    return dict(zip(("connect", "ask", "open"), (b - a for a, b in itertools.pairwise(times)), strict=True))
