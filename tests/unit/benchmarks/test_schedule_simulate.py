from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from benchmarks.schedule.replay import at_random, first_match, fixed, real, replay
from benchmarks.schedule.simulate import Size, lines, one
from benchmarks.schedule.workloads import PLATFORMS, workload
from farm.plan.jobs import Expected, Job, Running, Start


def test_a_seed_gives_the_same_workload_again() -> None:
    assert workload(6, 30, 1) == workload(6, 30, 1) != workload(6, 30, 2)


@pytest.mark.parametrize("seed", range(5))
def test_every_job_has_a_node_and_what_it_needs(seed: int) -> None:
    work = workload(3, 40, seed)
    keys = {job.key for job in work.jobs}
    assert len(work.jobs) == len(keys) == 40
    assert {job.key.platform for job in work.jobs} == set(PLATFORMS)
    assert all(job.nodes and keys.issuperset(job.needs) for job in work.jobs)


def test_nothing_beats_the_bound_and_farm_beats_the_others() -> None:
    found = one(Size(nodes=6, jobs=60, farms=1, replays=True), 1)
    assert 1 <= found["farm"] < found["random"] < found["first_match"]
    assert 1 <= found["farm_replayed"] <= found["no_takeover_replayed"] < found["random_replayed"]


def test_hiccups_only_ever_make_builds_longer() -> None:
    work = workload(4, 60, 1)
    usual, night = real(work, 1, hiccups=False), real(work, 1)
    pairs = [(usual(job, node).seconds, night(job, node).seconds) for job in work.jobs for node in job.nodes]
    assert all(longer >= shorter for shorter, longer in pairs)
    assert any(longer > shorter for shorter, longer in pairs)


def test_a_replay_that_nobody_goes_on_with_is_an_error() -> None:
    work = workload(4, 6, 1)
    with pytest.raises(RuntimeError, match="6 jobs are left"):
        replay(work.jobs, real(work, 1), lambda jobs, running, now: ())


def test_a_straggler_ends_with_its_copy() -> None:
    work = workload(9, 6, 1)
    (first, *_) = work.jobs
    slow, quick = first.nodes[0], first.nodes[-1]
    assert slow != quick
    start = Start(key=first.key, node=slow, reason="", expected=Expected(seconds=10))

    def takes(job: Job, node: str) -> Expected:
        return Expected(seconds=1000.0 if node == slow else 10.0)

    def copy(running: Sequence[Running], now: float) -> Start | None:
        return replace(start, node=quick) if now == 90 and len(running) == 1 else None

    assert replay([first], takes, lambda jobs, running, now: [start] if jobs else []) == 1000
    assert replay([first], takes, lambda jobs, running, now: [start] if jobs else [], copy) == 100


def test_rivals_choose_only_nodes_that_have_the_platform() -> None:
    work = workload(8, 60, 1)
    by_key: dict[object, Job] = {job.key: job for job in work.jobs}
    for nodes in (first_match(work), at_random(work, 1)):
        assert all(node in by_key[key].nodes for key, node in nodes.items())
        assert replay(work.jobs, real(work, 1), fixed(work, nodes)) > 0
    assert len(set(first_match(work).values())) <= len(PLATFORMS)


def test_the_table_shows_what_was_measured_and_a_dash_for_what_was_not() -> None:
    cell = {"median": 1.25, "min": 1.0, "max": 2.0}
    document = {
        "aims": {"ratio": 1.1, "seconds": 2.0, "bytes": 300_000_000},
        "median_ratio": 1.25,
        "sizes": [{"nodes": 4, "jobs": 36, "farms": 1, "ratios": {"farm": cell, "first_match": cell, "random": cell}}],
        "planning": {"nodes": 4, "jobs": 36, "seconds": 1.234, "cpu_seconds": 1.0, "bytes": 57_000_000},
    }
    table = lines(document)
    assert table[3].split() == ["4", "36", "1.25", "1.25", "1.25", "-", "-", "-", "-", "-"]
    assert "36 jobs on 4 nodes: planned in 1.23 s (1.00 s of CPU); aim: 2 s" in table
    assert "36 jobs on 4 nodes: 57 MB of memory; aim: 300 MB" in table
