from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.schedule.workloads import workload
from farm.plan.jobs import Alike, Expected, Job, Key, Placement, Running, Schedule, Seat
from farm.plan.schedule import schedule
from farm.platforms import parse

AMD64, ARM64 = parse("linux/amd64"), parse("linux/arm64")
GB = 10**9


def key(target: str) -> Key:
    return Key(target, AMD64)


def job(target: str, *nodes: str, needs: tuple[str, ...] = (), priority: int = 0, memory: int | None = None) -> Job:
    return Job(
        key=key(target),
        nodes=nodes or ("z1", "z2"),
        needs=tuple(key(need) for need in needs),
        priority=priority,
        memory=memory,
    )


def seats(*names: str, **changes: Any) -> dict[str, Seat]:
    return {name: replace(Seat(name=name), **changes) for name in names}


Z = seats("z1", "z2")


@dataclass(frozen=True)
class Takes:
    """Seconds by target, or by target and node; `warm` ones have a warm cache."""

    seconds: Mapping[object, float]
    warm: Mapping[object, float]

    def __call__(self, job: Job, node: str) -> Expected:
        name = job.key.target
        if (name, node) in self.warm:
            return Expected(seconds=self.warm[name, node], is_warm=True, basis="measured")
        return Expected(seconds=self.seconds.get((name, node), self.seconds.get(name, 100.0)))


def takes(seconds: Mapping[object, float] | None = None, warm: Mapping[object, float] | None = None) -> Takes:
    return Takes(seconds or {}, warm or {})


def of(plan: Schedule, target: str) -> Placement:
    return next(each for each in plan.placements if each.key.target == target)


def where(plan: Schedule) -> dict[str, tuple[str, float]]:
    return {each.key.target: (each.node, each.start) for each in plan.placements}


def test_nothing_to_build() -> None:
    assert schedule([], Z, takes()) == Schedule(placements=())
    assert schedule([], {}, takes()).makespan == 0


def test_both_twins_work() -> None:
    plan = schedule([job("a"), job("b"), job("c")], Z, takes({"a": 30, "b": 20, "c": 10}))
    assert where(plan) == {"a": ("z1", 0), "b": ("z2", 0), "c": ("z2", 20)}
    assert plan.makespan == 30
    assert plan.bound == pytest.approx(30)
    assert of(plan, "c").reason == "ends 10 s before z1: that is busy for 10 s longer"
    assert [each.reason for each in of(plan, "c").runners_up] == ["would end 10 s later: it is busy for 10 s longer"]


def test_what_much_depends_upon_comes_first_though_it_is_short() -> None:
    jobs = [job("long", "z1"), job("base", "z1"), job("app", "z1", needs=("base",))]
    plan = schedule(jobs, Z, takes({"long": 50, "base": 10, "app": 45}))
    assert where(plan) == {"base": ("z1", 0), "long": ("z1", 10), "app": ("z1", 60)}


def test_a_gap_before_a_job_that_waits_is_filled() -> None:
    jobs = [job("base", "z1"), job("app", "z2", needs=("base",)), job("small", "z2")]
    plan = schedule(jobs, Z, takes({"base": 50, "app": 100, "small": 40}))
    assert where(plan) == {"base": ("z1", 0), "small": ("z2", 0), "app": ("z2", 50)}


def test_priority_comes_before_length_and_reaches_what_is_needed() -> None:
    jobs = [
        job("long", "z1"),
        job("base", "z1"),
        job("urgent", "z1", needs=("base",), priority=1),
    ]
    plan = schedule(jobs, Z, takes({"long": 1000, "base": 10, "urgent": 10}))
    assert where(plan) == {"base": ("z1", 0), "urgent": ("z1", 10), "long": ("z1", 20)}


def test_a_warm_node_wins() -> None:
    plan = schedule([job("a")], Z, takes({"a": 100}, {("a", "z2"): 60}))
    assert where(plan) == {"a": ("z2", 0)}
    assert of(plan, "a").expected.is_warm
    assert of(plan, "a").reason == "its cache is warm: ends 40 s before z1, which would build cold"
    assert of(plan, "a").runners_up[0].reason == "would end 40 s later: its cache is cold"


def test_a_warm_node_is_waited_for_while_that_costs_less_than_building_cold() -> None:
    busy = [Running(job=job("x"), node="z2", started=0, expected=Expected(seconds=30))]
    plan = schedule([job("a")], Z, takes({"a": 100}, {("a", "z2"): 60}), running=busy)
    assert where(plan) == {"a": ("z2", 30)}
    reason = of(plan, "a").reason
    assert reason == "its cache is warm: waiting 30 s for it ends 10 s before z1, which would build cold"


def test_a_warm_node_is_not_waited_for_for_ever() -> None:
    busy = [Running(job=job("x"), node="z2", started=0, expected=Expected(seconds=50))]
    plan = schedule([job("a")], Z, takes({"a": 100}, {("a", "z2"): 60}), running=busy)
    assert where(plan) == {"a": ("z1", 0)}
    reason = of(plan, "a").reason
    assert reason == "building cold here ends 10 s before z2, whose cache is warm but which is busy for another 50 s"


def test_a_faster_node_wins_and_says_so() -> None:
    plan = schedule([job("a")], Z, takes({("a", "z1"): 90, ("a", "z2"): 30}))
    assert where(plan) == {"a": ("z2", 0)}
    assert of(plan, "a").reason == "ends 1 min 00 s before z1: that takes 1 min 30 s where z2 takes 30 s"


def test_a_faster_node_wins_though_a_slow_one_has_a_warm_cache() -> None:
    plan = schedule([job("a")], Z, takes({("a", "z1"): 30}, {("a", "z2"): 60}))
    assert of(plan, "a").reason == "ends 30 s before z2: that takes 1 min 00 s where z1 takes 30 s"


def test_a_node_with_a_cold_cache_may_be_late_because_it_is_busy() -> None:
    busy = [Running(job=job("x"), node="z1", started=0, expected=Expected(seconds=90))]
    plan = schedule([job("a")], Z, takes({"a": 50}, {("a", "z2"): 40}), running=busy)
    assert of(plan, "a").runners_up[0].reason == "would end 1 min 40 s later: it is busy for 1 min 30 s longer"


def test_equals_go_by_name() -> None:
    plan = schedule([job("a")], Z, takes())
    assert of(plan, "a").reason == "first of nodes that would end at the same time"
    assert [each.reason for each in of(plan, "a").runners_up] == ["would end at the same time"]


def test_the_only_node_is_called_so() -> None:
    plan = schedule([job("a", "z1")], Z, takes())
    assert of(plan, "a").reason == "the only node that may be used for it"
    assert of(plan, "a").runners_up == ()


def test_three_runners_up_at_most() -> None:
    farm = seats(*"abcdefgh")
    assert len(schedule([job("x", *farm)], farm, takes()).placements[0].runners_up) == 3


def test_a_handicap_puts_a_node_behind_but_moves_no_end() -> None:
    farm = {"z1": replace(Z["z1"], handicap=60, because="it is busy (load 5.0 on 4 cores)"), "z2": Z["z2"]}
    plan = schedule([job("a")], farm, takes({("a", "z1"): 100, ("a", "z2"): 130}))
    assert where(plan) == {"a": ("z2", 0)}
    assert of(plan, "a").end == 130
    assert of(plan, "a").reason == "z1 would end 30 s sooner, but it is busy (load 5.0 on 4 cores)"
    assert of(plan, "a").runners_up[0].end == 100
    plan = schedule([job("a")], farm, takes({("a", "z1"): 100, ("a", "z2"): 200}))
    assert (where(plan), of(plan, "a").end) == ({"a": ("z1", 0)}, 100)


def test_what_is_needed_lies_nearer_on_the_node_that_built_it() -> None:
    plan = schedule([job("base", "z2"), job("app", needs=("base",))], Z, takes())
    assert where(plan) == {"base": ("z2", 0), "app": ("z2", 100)}
    assert of(plan, "app").reason == "z1 would end at the same time, but would have to fetch what z2 has built"


def test_slots_are_used_and_never_more() -> None:
    plan = schedule([job(name, "z1") for name in "abc"], seats("z1", slots=2), takes())
    assert [(each.start, each.end) for each in plan.placements] == [(0, 100), (0, 100), (100, 200)]


def test_two_heavy_jobs_never_share_a_small_board() -> None:
    farm = seats("z1", slots=2, memory=2 * GB)
    plan = schedule([job("a", "z1", memory=12 * GB // 10), job("b", "z1", memory=GB)], farm, takes())
    assert sorted(each.start for each in plan.placements) == [0, 100]
    plan = schedule([job("a", "z1", memory=GB), job("b", "z1", memory=GB)], farm, takes())
    assert [each.start for each in plan.placements] == [0, 0]


def test_a_light_job_runs_beside_a_row_of_heavy_ones() -> None:
    farm = seats("z1", slots=2, memory=2 * GB)
    heavy = [job(name, "z1", memory=15 * GB // 10) for name in "abc"]
    plan = schedule([*heavy, job("light", "z1", memory=GB // 2)], farm, takes({"light": 20}))
    assert of(plan, "light").start == 0
    assert plan.makespan == 300
    assert plan.bound == pytest.approx((3 * 100 * 0.75 + 20 * 0.25), rel=0.01)


def test_a_job_of_unknown_memory_counts_as_a_slots_share() -> None:
    farm = seats("z1", slots=3, memory=2 * GB)
    assert schedule([job(name, "z1") for name in "abc"], farm, takes()).makespan == 100
    plan = schedule([job("a", "z1"), job("heavy", "z1", memory=15 * GB // 10)], farm, takes())
    assert plan.makespan == 200


def test_a_large_job_goes_where_there_is_memory_for_it() -> None:
    farm = {**seats("z1", memory=2 * GB), **seats("big", memory=8 * GB)}
    plan = schedule([job("a", "z1", "big", memory=3 * GB)], farm, takes({("a", "big"): 900}))
    assert where(plan) == {"a": ("big", 0)}


def test_a_job_larger_than_every_node_runs_alone_on_the_one_with_the_most() -> None:
    farm = {**seats("z1", memory=GB), **seats("z2", slots=2, memory=2 * GB)}
    plan = schedule([job("huge", memory=3 * GB), job("light", "z2", memory=1)], farm, takes({"light": 20}))
    assert where(plan) == {"light": ("z2", 0), "huge": ("z2", 20)}
    assert of(plan, "huge").reason == (
        "alone, since it takes 3.0 GB and no node for it has more than 2.0 GB; the only node that may be used for it"
    )


def test_drained_nodes_are_not_used() -> None:
    farm = {"z1": replace(Z["z1"], drained="its CPU is at 84 °C"), "z2": Z["z2"]}
    plan = schedule([job("a"), job("b", "z1"), job("c", "z2", needs=("b",)), job("d", "gone")], farm, takes())
    assert where(plan) == {"a": ("z2", 0)}
    assert {skip.key.target: skip.reason for skip in plan.skipped} == {
        "b": "every node that builds it is drained: z1 (its CPU is at 84 °C)",
        "c": "it needs b, which is not built",
        "d": "no node builds linux/amd64",
    }


def test_circles_are_skipped_and_the_rest_is_built() -> None:
    jobs = [
        job("a", needs=("b",)),
        job("b", needs=("c",)),
        job("c", needs=("a",)),
        job("d", needs=("a",)),
        job("self", needs=("self",)),
        job("ok"),
    ]
    plan = schedule(jobs, Z, takes())
    assert list(where(plan)) == ["ok"]
    assert {skip.key.target: skip.reason for skip in plan.skipped} == {
        "a": "it needs itself: a needs b needs c needs a",
        "b": "it needs itself: b needs c needs a needs b",
        "c": "it needs itself: c needs a needs b needs c",
        "d": "it needs a, which is not built",
        "self": "it needs itself: self needs self",
    }


def test_a_need_for_another_platform_is_named_with_it() -> None:
    base = Job(key=Key("base", ARM64), nodes=())
    plan = schedule([base, replace(job("app"), needs=(base.key,))], Z, takes())
    assert plan.skipped[0].reason == "it needs base for linux/arm64, which is not built"


def test_needs_that_are_there_already_are_not_waited_for() -> None:
    assert where(schedule([job("app", needs=("base",))], Z, takes())) == {"app": ("z1", 0)}


def test_what_runs_holds_its_slot_and_its_memory_and_is_waited_for() -> None:
    farm = seats("z1", slots=2, memory=2 * GB)
    base = Running(job=job("base", memory=15 * GB // 10), node="z1", started=10, expected=Expected(seconds=100))
    jobs = [job("heavy", "z1", memory=GB), job("light", "z1", memory=1), job("app", "z1", needs=("base",), memory=1)]
    plan = schedule(jobs, farm, takes({"light": 20}), running=[base], now=50)
    assert where(plan) == {"light": ("z1", 50), "heavy": ("z1", 110), "app": ("z1", 110)}


@pytest.mark.parametrize(("now", "start"), [(90, 100), (100, 110), (105, 115.5), (200, 300)])
def test_what_is_overdue_goes_on_for_a_while(now: float, start: float) -> None:
    late = Running(job=job("x"), node="z1", started=0, expected=Expected(seconds=100))
    assert where(schedule([job("a", "z1")], Z, takes(), running=[late], now=now)) == {"a": ("z1", start)}


def test_more_may_run_on_a_node_than_it_has_slots() -> None:
    both = [
        Running(job=job(name), node="z1", started=0, expected=Expected(seconds=s)) for name, s in (("x", 50), ("y", 80))
    ]
    assert where(schedule([job("a", "z1")], Z, takes(), running=both)) == {"a": ("z1", 80)}


def test_two_jobs_with_one_key_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="two jobs with one key"):
        schedule([job("a"), job("a")], Z, takes())


def test_what_takes_no_time_breaks_nothing() -> None:
    plan = schedule([job("a"), job("b", needs=("a",)), job("c", needs=("b",))], Z, takes({"a": 0, "b": 0, "c": 0}))
    assert [each.key.target for each in plan.placements] == ["a", "b", "c"]
    assert (plan.makespan, plan.bound) == (0, 0)


NODES = ("n1", "n2", "n3")
amounts = st.integers(min_value=1, max_value=20)


@st.composite
def farms(draw: st.DrawFn, most_jobs: int = 10) -> tuple[list[Job], dict[str, Seat], Takes]:
    farm = {
        name: Seat(
            name=name,
            slots=draw(st.integers(1, 2)),
            memory=draw(st.none() | st.integers(5, 10)),
            handicap=draw(st.sampled_from([0.0, 0.0, 7.0])),
        )
        for name in NODES[: draw(st.integers(1, 3))]
    }
    count = draw(st.integers(1, most_jobs))
    jobs: list[Job] = []
    seconds: dict[object, float] = {}
    warm: dict[object, float] = {}
    for number in range(count):
        name = f"j{number}"
        nodes = draw(st.sets(st.sampled_from(sorted(farm)), min_size=1))
        needs = draw(st.sets(st.integers(0, number - 1), max_size=2)) if number else set()
        jobs.append(
            job(
                name,
                *sorted(nodes),
                needs=tuple(f"j{need}" for need in needs),
                priority=draw(st.sampled_from([0, 0, 1])),
                memory=draw(st.none() | st.integers(1, 12)),
            )
        )
        for node in nodes:
            seconds[name, node] = draw(amounts)
            if draw(st.booleans()):
                warm[name, node] = draw(amounts)
    return jobs, farm, Takes(seconds, warm)


@given(farms())
@settings(max_examples=100, deadline=None)
def test_every_schedule_is_possible(given_: tuple[list[Job], dict[str, Seat], Takes]) -> None:
    jobs, farm, expect = given_
    plan = schedule(jobs, farm, expect)
    check(plan, jobs, farm, expect)
    assert len(plan.placements) == len(jobs)
    assert plan.bound <= plan.makespan + 1e-6


def check(plan: Schedule, jobs: list[Job], farm: Mapping[str, Seat], expect: Takes) -> None:
    by_key = {each.key: each for each in jobs}
    ends = {each.key: each.end for each in plan.placements}
    for each in plan.placements:
        one = by_key[each.key]
        assert each.node in one.nodes
        assert each.end == pytest.approx(each.start + expect(one, each.node).seconds)
        assert all(ends[need] <= each.start for need in one.needs if need in ends)
        seat = farm[each.node]
        beside = [b for b in plan.placements if b.node == each.node and b.start <= each.start < b.end]
        assert len(beside) <= seat.slots
        if seat.memory is not None:
            demands = [by_key[b.key].memory for b in beside]
            used = sum(min(seat.memory, seat.memory // seat.slots if d is None else d) for d in demands)
            assert used <= seat.memory


@given(farms(), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_any_input_order_gives_the_same(
    given_: tuple[list[Job], dict[str, Seat], Takes], shuffle: random.Random
) -> None:
    jobs, farm, expect = given_
    before = schedule(jobs, farm, expect)
    mixed = [replace(each, nodes=tuple(shuffle.sample(each.nodes, len(each.nodes)))) for each in jobs]
    shuffle.shuffle(mixed)
    names = shuffle.sample(sorted(farm), len(farm))
    assert schedule(mixed, {name: farm[name] for name in names}, expect) == before


@given(farms(most_jobs=4))
@settings(max_examples=100, deadline=None)
def test_no_schedule_beats_the_bound(given_: tuple[list[Job], dict[str, Seat], Takes]) -> None:
    jobs, farm, expect = given_
    assert schedule(jobs, farm, expect).bound <= best_of_all(jobs, farm, expect) + 1e-6


def best_of_all(jobs: list[Job], farm: Mapping[str, Seat], expect: Takes) -> float:
    """The least makespan of all: every order with every choice of nodes, each job as early as it can be there."""
    best = float("inf")
    for order in itertools.permutations(jobs):
        if any(need in [later.key for later in order[n:]] for n, each in enumerate(order) for need in each.needs):
            continue
        for nodes in itertools.product(*(allowed(each, farm) for each in order)):
            ends: dict[Key, float] = {}
            taken: list[tuple[str, float, float, float]] = []
            for each, node in zip(order, nodes, strict=True):
                seat, seconds = farm[node], expect(each, node).seconds
                limit = seat.memory or 10**9
                demand = limit // seat.slots if each.memory is None else min(each.memory, limit)
                if seat.memory is None:
                    demand = 0
                ready = max((ends[need] for need in each.needs), default=0.0)
                for start in sorted({ready, *(end for _, _, end, _ in taken if end > ready)}):
                    moments = [start, *(s for n, s, _, _ in taken if n == node and start < s < start + seconds)]
                    beside = [[t for t in taken if t[0] == node and t[1] <= m < t[2]] for m in moments]
                    if all(len(b) < seat.slots and sum(t[3] for t in b) + demand <= limit for b in beside):
                        break
                taken.append((node, start, start + seconds, demand))
                ends[each.key] = start + seconds
            best = min(best, max(ends.values()))
    return best


def allowed(each: Job, farm: Mapping[str, Seat]) -> list[str]:
    memory = {name: farm[name].memory or 10**9 for name in each.nodes}
    enough = min(each.memory or 0, max(memory.values()))
    return [name for name in each.nodes if memory[name] >= enough]


def test_grouping_alike_nodes_changes_no_end() -> None:
    random_ = random.Random(7)
    farm = {f"n{n}": Seat(name=f"n{n}", slots=1 + n % 2) for n in range(9)}
    speed = {name: 1.0 + 2 * (number % 3) for number, name in enumerate(farm)}
    base = {f"j{n}": random_.uniform(10, 100) for n in range(60)}
    warm = {key(name): {random_.choice(list(farm)): 0.3} for name in base if random_.random() < 0.5}

    def expect(one: Job, node: str) -> Expected:
        share = warm.get(one.key, {}).get(node, 1.0)
        return Expected(seconds=base[one.key.target] * speed[node] * share, is_warm=share < 1)

    jobs = [job(name, *farm) for name in base]
    one_by_one = schedule(jobs, farm, expect)
    grouped = schedule(jobs, farm, expect, alike=Alike(kinds=speed, apart=warm))
    assert grouped.makespan == pytest.approx(one_by_one.makespan, rel=0.05)
    assert grouped.bound == pytest.approx(one_by_one.bound, rel=0.05)
    check(grouped, jobs, farm, expect)  # type: ignore[arg-type]


def test_a_thousand_alike_nodes_are_not_asked_about_one_by_one() -> None:
    farm = {f"n{n}": Seat(name=f"n{n}") for n in range(1000)}
    jobs = [job(f"j{n}", *farm, needs=(f"j{n - 1}",) if n % 3 else ()) for n in range(300)]
    kinds = {name: number % 4 for number, name in enumerate(farm)}
    apart = {each.key: ["n7", "n8"] for each in jobs}
    asked = []

    def expect(one: Job, node: str) -> Expected:
        asked.append(node)
        return Expected(seconds=10.0 + kinds[node])

    plan = schedule(jobs, farm, expect, alike=Alike(kinds=kinds, apart=apart))
    assert len(plan.placements) == 300
    assert len(asked) == 300 * (4 + 2)


def test_whoever_would_end_sooner_is_told_apart_by_a_reason() -> None:
    work = workload(12, 150, 0)
    plan = schedule(work.jobs, work.seats, work.expect, alike=work.alike)
    said = [each.reason for place in plan.placements for each in place.runners_up]
    said += [place.reason for place in plan.placements]
    sooner = [reason for reason in said if "would end" in reason and " sooner" in reason]
    assert all(", but " in reason for reason in sooner)
    assert any("its cache cold" in reason for reason in sooner)
    assert any("other jobs gain more from its time" in reason for reason in sooner)
    assert any("its cache is warm: waiting" in reason for reason in said)
