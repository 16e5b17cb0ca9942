from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from benchmarks.schedule.replay import ours, real, replay
from benchmarks.schedule.workloads import Workload, workload
from farm.plan.dispatch import LATE_SECONDS, next_jobs, straggler
from farm.plan.jobs import Expected, Job, Key, Running, Schedule, Seat, Start
from farm.plan.schedule import schedule
from farm.platforms import parse

AMD64 = parse("linux/amd64")
GB = 10**9
Z = {"z1": Seat(name="z1"), "z2": Seat(name="z2")}


def job(target: str, *nodes: str, needs: tuple[str, ...] = (), memory: int | None = None, priority: int = 0) -> Job:
    return Job(
        key=Key(target, AMD64),
        nodes=nodes or ("z1", "z2"),
        needs=tuple(Key(need, AMD64) for need in needs),
        memory=memory,
        priority=priority,
    )


def expect(one: Job, node: str) -> Expected:
    """`a60` takes 60 s; `a60@z1` takes 20 s on z1, where its cache is warm."""
    name, _, warm = one.key.target.partition("@")
    return Expected(seconds=20, is_warm=True) if warm == node else Expected(seconds=float(name[1:]))


def runs(one: Job, node: str, started: float = 0.0, seconds: float | None = None) -> Running:
    return Running(
        job=one,
        node=node,
        started=started,
        expected=expect(one, node) if seconds is None else Expected(seconds=seconds),
    )


def starts(
    jobs: Sequence[Job],
    running: Sequence[Running] = (),
    *,
    plan: Schedule,
    now: float = 0.0,
    seats: Mapping[str, Seat] = Z,
) -> dict[str, str]:
    return {each.key.target: each.node for each in next_jobs(jobs, running, seats, expect, plan=plan, now=now)}


def test_what_is_ready_starts_where_it_was_planned() -> None:
    jobs = [job("a60"), job("b50"), job("c40"), job("d30", needs=("a60",))]
    plan = schedule(jobs, Z, expect)
    assert starts(jobs, plan=plan) == {"a60": "z1", "b50": "z2"}
    assert starts(jobs[1:], [runs(jobs[0], "z1")], plan=plan) == {"b50": "z2"}
    assert starts(jobs[2:], [runs(jobs[0], "z1"), runs(jobs[1], "z2")], plan=plan) == {}


def test_a_start_says_why() -> None:
    jobs = [job("a60"), job("b50")]
    found = next_jobs(jobs, (), Z, expect, plan=schedule(jobs, Z, expect), now=0)
    assert [(each.reason, each.planned) for each in found] == [
        ("first of nodes that would end at the same time", None),
        ("ends 1 min 00 s before z1: that is busy for 1 min 00 s longer", None),
    ]


def test_an_idle_twin_takes_over_what_was_planned_elsewhere() -> None:
    jobs = [job("a60"), job("b50"), job("c40")]
    plan = schedule(jobs, Z, expect)
    assert [each.node for each in plan.placements if each.key.target == "c40"] == ["z2"]
    # z1 was sooner done than expected.
    (start,) = next_jobs(jobs[2:], [runs(jobs[1], "z2")], Z, expect, plan=plan, now=20)
    assert (start.node, start.planned) == ("z1", "z2")
    assert start.reason == "ends 30 s before z2: that is busy for 30 s longer"


@pytest.mark.parametrize(("left", "taken"), [(30, {}), (50, {"c60@z1": "z2"})])
def test_a_twin_with_a_cold_cache_takes_over_only_what_ends_sooner_there(left: float, taken: dict[str, str]) -> None:
    other, warm = job("a100", "z1"), job("c60@z1")
    plan = schedule([warm], Z, expect)
    busy = runs(other, "z1", seconds=left)
    assert starts([warm], [busy], plan=plan) == taken


def test_nothing_is_taken_from_a_node_that_is_about_to_have_room() -> None:
    jobs = [job("a60"), job("b50@z2"), job("c40@z2")]
    plan = schedule(jobs, Z, expect)
    assert starts(jobs[2:], [runs(jobs[1], "z2", started=0)], plan=plan, now=18) == {}


def test_jobs_of_a_drained_node_go_elsewhere_or_wait() -> None:
    jobs = [job("a60"), job("b60"), job("c60", "z1")]
    plan = schedule(jobs, Z, expect)
    drained = {**Z, "z1": replace(Z["z1"], drained="its CPU is at 84 °C")}
    assert list(starts(jobs, plan=plan, seats=drained).values()) == ["z2"]
    assert starts(jobs[2:], plan=plan, seats=drained) == {}
    assert starts(jobs[2:], plan=plan) == {"c60": "z1"}


def test_jobs_whose_nodes_are_drained_are_in_nobodys_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("farm.plan.dispatch.HORIZON", 2)
    drained = {**Z, "z1": replace(Z["z1"], drained="its CPU is at 84 °C")}
    stuck = [job(f"{name}60", "z1") for name in "abc"]
    jobs = [*stuck, job("d60", needs=("a60",)), job("e60")]
    assert starts(jobs, plan=Schedule(placements=()), seats=drained) == {"e60": "z2"}


def test_a_job_waits_for_a_warm_node_only_while_that_may_soon_have_room() -> None:
    warm, busy = job("c100@z1"), runs(job("a60", "z1"), "z1")
    plan = schedule([warm], Z, expect)
    assert starts([warm], [busy], plan=plan, now=30) == {}
    assert starts([warm], [busy], plan=plan, now=100) == {}
    assert starts([warm], [busy], plan=plan, now=150) == {"c100@z1": "z2"}


def test_jobs_of_a_node_that_has_gone_go_elsewhere() -> None:
    jobs = [job("a60")]
    plan = schedule(jobs, Z, expect)
    assert starts(jobs, plan=plan, seats={"z2": Z["z2"]}) == {"a60": "z2"}


def test_a_node_that_has_lost_a_build_comes_after_others() -> None:
    jobs = [job("a60"), job("b60")]
    plan = schedule(jobs, Z, expect)
    lost = {**Z, "z1": replace(Z["z1"], handicap=86400.0, because="it has lost a build of this run")}
    assert list(starts(jobs, plan=plan, seats=lost).values()) == ["z2"]
    assert starts([job("c60", "z1")], plan=plan, seats=lost) == {"c60": "z1"}


def test_memory_in_use_counts() -> None:
    board = {"z1": Seat(name="z1", slots=2, memory=2 * GB)}
    heavy, other, light = (
        job("a60", memory=15 * GB // 10, priority=1),
        job("b50", memory=GB),
        job("c40", memory=GB // 2),
    )
    plan = schedule([heavy, other, light], board, expect)
    assert starts([heavy, other, light], plan=plan, seats=board) == {"a60": "z1", "c40": "z1"}
    assert starts([other], [runs(heavy, "z1")], plan=plan, seats=board) == {}
    assert starts([other], [runs(light, "z1")], plan=plan, seats=board) == {"b50": "z1"}


def test_a_heavy_job_is_not_overtaken_for_ever() -> None:
    board = {"z1": Seat(name="z1", slots=2, memory=2 * GB)}
    heavy, light, lighter = job("a60", memory=15 * GB // 10, priority=1), job("c100", memory=GB), job("d30", memory=GB)
    plan = schedule([heavy, light], board, expect)
    busy = runs(job("x90", memory=GB), "z1")
    assert starts([heavy, light], [busy], plan=plan, seats=board) == {}
    assert starts([heavy, light, lighter], [busy], plan=plan, seats=board) == {"d30": "z1"}


def test_what_the_plan_does_not_know_is_started_as_well() -> None:
    assert starts([job("n60")], plan=Schedule(placements=())) == {"n60": "z1"}


def test_a_needed_job_that_runs_is_waited_for_wherever_it_runs() -> None:
    base, app = job("a60"), job("b50", needs=("a60",))
    plan = schedule([base, app], Z, expect)
    assert starts([app], [runs(base, "elsewhere")], plan=plan) == {}
    assert starts([app], plan=plan) == {"b50": "z1"}


def test_an_overdue_job_still_holds_its_node() -> None:
    busy = [runs(job("a60"), "z1"), runs(job("b60"), "z2")]
    assert starts([job("c60")], busy, plan=Schedule(placements=()), now=60) == {}
    assert starts([job("c60")], busy, plan=Schedule(placements=()), now=9999) == {}


def test_any_input_order_gives_the_same() -> None:
    work = workload(6, 60, 3)
    plan = schedule(work.jobs, work.seats, work.expect, alike=work.alike)
    random_ = random.Random(1)
    busy = [Running(job=work.jobs[0], node=work.jobs[0].nodes[0], started=0, expected=Expected(seconds=50))]
    left = [each for each in work.jobs[1:] if random_.random() < 0.7]
    before = next_jobs(left, busy, work.seats, work.expect, plan=plan, now=30)
    assert before
    for _ in range(5):
        random_.shuffle(left)
        mixed = [replace(each, nodes=tuple(random_.sample(each.nodes, len(each.nodes)))) for each in left]
        names = random_.sample(sorted(work.seats), len(work.seats))
        seats = {name: work.seats[name] for name in names}
        assert next_jobs(mixed, busy, seats, work.expect, plan=plan, now=30) == before


@pytest.mark.parametrize("seed", range(3))
def test_a_whole_night_never_overloads_a_node_and_leaves_nothing(seed: int) -> None:
    work = workload(5, 45, seed)
    plan = schedule(work.jobs, work.seats, work.expect, alike=work.alike)
    choose = ours(work, plan)
    begun: list[Key] = []

    def checked(jobs: Sequence[Job], running: Sequence[Running], now: float) -> Sequence[Start]:
        found = choose(jobs, running, now)
        by_key = {each.key: each for each in jobs}
        new = [Running(job=by_key[s.key], node=s.node, started=now, expected=s.expected) for s in found]
        check(work, [*running, *new])
        waiting = by_key.keys() | {each.job.key for each in running}
        assert all(waiting.isdisjoint(by_key[s.key].needs) and s.node in by_key[s.key].nodes for s in found)
        begun.extend(s.key for s in found)
        return found

    replay(work.jobs, real(work, seed), checked)
    assert sorted(begun) == sorted(each.key for each in work.jobs)


def check(work: Workload, running: Sequence[Running]) -> None:
    for name, seat in work.seats.items():
        there = [each.job for each in running if each.node == name]
        assert len(there) <= seat.slots
        assert seat.memory is not None
        share = seat.memory // seat.slots
        assert sum(share if j.memory is None else min(j.memory, seat.memory) for j in there) <= seat.memory


LATE = runs(job("a100"), "z1")


@pytest.mark.parametrize(
    ("running", "now", "copy"),
    [
        pytest.param([LATE], 100 + LATE_SECONDS - 1, None, id="not late enough"),
        pytest.param([LATE], 100 + LATE_SECONDS, "z2", id="late"),
        pytest.param([runs(job("a200"), "z1")], 299, None, id="within what a build may be off"),
        pytest.param([LATE, runs(job("b60"), "z2", started=190)], 200, None, id="nobody is idle"),
        pytest.param([LATE, runs(LATE.job, "z2", started=190)], 9999, None, id="it has a copy"),
        pytest.param([runs(job("a100", "z1"), "z1")], 200, None, id="nobody else builds it"),
        pytest.param([runs(job("a600", "z1", "z2"), "z1", seconds=100)], 200, None, id="a copy would take longer"),
    ],
)
def test_stragglers(running: list[Running], now: float, copy: str | None) -> None:
    found = straggler(running, Z, expect, now=now)
    assert (found.node if found else None) == copy


def test_a_copy_says_why_and_the_latest_gets_it() -> None:
    seats = {**Z, "z3": Seat(name="z3"), "z4": Seat(name="z4", drained="hot")}
    all_ = ("z1", "z2", "z3", "z4")
    running = [runs(job("a100", *all_), "z1"), runs(job("b60", *all_), "z2")]
    found = straggler(running, seats, expect, now=200)
    assert found is not None
    assert (found.key.target, found.node, found.planned) == ("b60", "z3", "z2")
    assert found.reason == "z2 is at it for 3 min 20 s, where 1 min 00 s were expected; z3 is idle"
