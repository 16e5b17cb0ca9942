"""(a) Workloads like those of homes, in simulated time: how long a night takes, against what no schedule could beat.

farm's plan, buildx's way (the first node that has the platform) and chance are compared by their makespan over the
bound. What is `planned` takes what was expected. What is `replayed` takes something else, by a seed: farm is then
measured with its dispatch, with stragglers duplicated, and as if nobody ever took over what was planned elsewhere.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import timed
from benchmarks.schedule.replay import at_random, copies, first_match, fixed, ours, real, replay
from benchmarks.schedule.workloads import Workload, workload
from benchmarks.spread import spread
from farm.plan.jobs import Key
from farm.plan.schedule import schedule

AIM_RATIO, AIM_SECONDS, AIM_BYTES = 1.10, 2.0, 300_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """So many nodes and jobs, and how many farms of that size; `replays`: nights are played through as well."""

    nodes: int
    jobs: int
    farms: int
    replays: bool


SIZES = (
    Size(nodes=4, jobs=36, farms=9, replays=True),
    Size(nodes=6, jobs=90, farms=9, replays=True),
    Size(nodes=12, jobs=150, farms=9, replays=True),
    Size(nodes=30, jobs=450, farms=5, replays=True),
    Size(nodes=100, jobs=1500, farms=3, replays=False),
    Size(nodes=300, jobs=4000, farms=1, replays=False),
    Size(nodes=1000, jobs=10_000, farms=1, replays=False),
)


def measure(*, sizes: tuple[Size, ...] = SIZES) -> dict[str, Any]:
    """Plan and replay all sizes, and plan the largest in a process of its own. Raises FailedRunError."""
    rows = []
    all_: list[float] = []
    for size in sizes:
        measured = [one(size, seed) for seed in range(size.farms)]
        all_ += [each["farm"] for each in measured]
        rows.append(
            {"nodes": size.nodes, "jobs": size.jobs, "farms": size.farms}
            | {"ratios": {way: spread([each[way] for each in measured]).document() for way in measured[0]}}
        )
    largest = max(sizes, key=lambda size: size.jobs)
    return {
        "aims": {"ratio": AIM_RATIO, "seconds": AIM_SECONDS, "bytes": AIM_BYTES},
        "median_ratio": round(median(all_), 3),
        "sizes": rows,
        "planning": {"nodes": largest.nodes, "jobs": largest.jobs} | _planning(largest),
    }


def lines(document: Mapping[str, Any]) -> list[str]:
    """The same for people."""
    ways = {
        "farm": "farm",
        "first_match": "first match",
        "random": "random",
        "farm_replayed": "farm",
        "duplicates_replayed": "duplicates",
        "no_takeover_replayed": "no takeover",
        "first_match_replayed": "first match",
        "random_replayed": "random",
    }
    width = 12
    found = [
        "Makespan over the bound, medians",
        f"{'':>18}{'as planned':>{3 * width}}{'replayed':>{5 * width}}",
        f"{'nodes':>6}{'jobs':>7}{'':>5}" + "".join(f"{name:>{width}}" for name in ways.values()),
    ]
    for row in document["sizes"]:
        cells = (row["ratios"].get(way) for way in ways)
        found.append(
            f"{row['nodes']:>6}{row['jobs']:>7}{'':>5}"
            + "".join(f"{cell['median']:>{width}.2f}" if cell else f"{'-':>{width}}" for cell in cells)
        )
    aims, planning = document["aims"], document["planning"]
    cpu = planning["cpu_seconds"]
    size = f"{planning['jobs']} jobs on {planning['nodes']} nodes"
    found += [
        f"farm's plan on the median workload: {document['median_ratio']:.3f}; aim: {aims['ratio']:.2f}",
        f"{size}: planned in {planning['seconds']:.2f} s ({cpu:.2f} s of CPU); aim: {aims['seconds']:g} s",
        f"{size}: {planning['bytes'] / 1e6:.0f} MB of memory; aim: {aims['bytes'] / 1e6:.0f} MB",
    ]
    return found


def one(size: Size, seed: int) -> dict[str, float]:
    """The ratios of one farm."""
    work = workload(size.nodes, size.jobs, seed)
    plan = schedule(work.jobs, work.seats, work.expect, alike=work.alike)
    first, chance = first_match(work), at_random(work, seed)
    found = {
        "farm": plan.makespan / plan.bound,
        "first_match": _pinned(work, first) / plan.bound,
        "random": _pinned(work, chance) / plan.bound,
    }
    if not size.replays:
        return found
    takes = real(work, seed)
    bound = schedule(work.jobs, work.seats, real(work, seed, hiccups=False), alike=work.alike, placings=1).bound
    planned = {each.key: each.node for each in plan.placements}
    return found | {
        "farm_replayed": replay(work.jobs, takes, ours(work, plan)) / bound,
        "duplicates_replayed": replay(work.jobs, takes, ours(work, plan), copies(work)) / bound,
        "no_takeover_replayed": replay(work.jobs, takes, fixed(work, planned)) / bound,
        "first_match_replayed": replay(work.jobs, takes, fixed(work, first)) / bound,
        "random_replayed": replay(work.jobs, takes, fixed(work, chance)) / bound,
    }


def _pinned(work: Workload, nodes: Mapping[Key, str]) -> float:
    """The makespan where each job has one node only, in the best order that farm finds for that."""
    jobs = [replace(job, nodes=(nodes[job.key],)) for job in work.jobs]
    return schedule(jobs, work.seats, work.expect, alike=work.alike, placings=1).makespan


def _planning(size: Size) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="farm-schedule-") as folder:
        argv = [sys.executable, "-m", "benchmarks.schedule.once", str(size.nodes), str(size.jobs), "0"]
        found: dict[str, float] = json.loads(timed.run(argv, Path(folder)).stdout)
    return found
