from __future__ import annotations

from datetime import UTC, datetime

import pytest

from farm.history.learned import Learned, Mark, Pair, Times
from farm.history.speeds import speeds, unmarked
from farm.platforms import Platform

ARM64, ARM = Platform("linux", "arm64"), Platform("linux", "arm", "v7")
LAST = datetime(2026, 1, 1, tzinfo=UTC)


def learned(*built: tuple[str, str, tuple[float, ...]], marks: dict[str, float] | None = None) -> Learned:
    times = {Pair(target, ARM64, node): Times(cold=cold, last=LAST) for target, node, cold in built}
    return Learned(times=times, marks=marks or {})


def test_of_nothing_nothing_is_known() -> None:
    found = speeds(Learned())
    assert (found.factors, found.ratio("a", "b"), found.ratio("a", "a")) == ({}, None, None)


def test_the_medians_of_what_both_built() -> None:
    found = speeds(learned(("app", "slow", (90, 100, 900)), ("app", "fast", (50, 40, 60)), ("x", "fast", (1,))))
    assert found.factors == {"fast": 1.0, "slow": 2.0}
    assert (found.ratio("slow", "fast"), found.ratio("fast", "slow")) == (2.0, 0.5)


def test_one_odd_job_moves_nothing() -> None:
    jobs = [("a", 10.0), ("b", 20.0), ("odd", 5.0), ("c", 30.0), ("d", 1.0)]
    slow = [(name, "slow", (seconds * (90 if name == "odd" else 3),)) for name, seconds in jobs]
    found = speeds(learned(*slow, *((name, "fast", (seconds,)) for name, seconds in jobs)))
    assert found.ratio("slow", "fast") == pytest.approx(3.0)


def test_nodes_that_built_nothing_in_common_compare_through_a_third() -> None:
    found = speeds(learned(("a", "x", (10,)), ("a", "y", (20,)), ("b", "y", (60,)), ("b", "z", (180,))))
    assert found.ratio("z", "x") == pytest.approx(6.0)
    assert found.ratio("x", "z") == pytest.approx(1 / 6)


def test_nodes_without_any_link_do_not_compare() -> None:
    found = speeds(learned(("a", "x", (10,)), ("a", "y", (20,)), ("b", "z", (60,))))
    assert found.ratio("y", "x") == 2.0
    assert found.ratio("z", "x") is None
    assert found.ratio("x", "z") is None
    assert found.ratio("z", "z") == 1.0


def test_the_same_target_for_another_platform_is_another_job() -> None:
    times = {Pair("a", ARM64, "x"): Times(cold=(10,), last=LAST), Pair("a", ARM, "y"): Times(cold=(20,), last=LAST)}
    assert speeds(Learned(times=times)).ratio("x", "y") is None


def test_the_benchmark_places_a_new_node_and_links_groups() -> None:
    marks = {"x": 0.2, "new": 0.8, "z": 0.4}
    found = speeds(learned(("a", "x", (10,)), ("b", "z", (60,)), marks=marks))
    assert found.ratio("new", "x") == pytest.approx(4.0)
    assert found.ratio("z", "x") == pytest.approx(2.0)


def test_history_outweighs_the_benchmark() -> None:
    jobs = [(name, node, (seconds,)) for name in "abc" for node, seconds in (("x", 10.0), ("y", 30.0))]
    assert speeds(learned(*jobs, marks={"x": 0.2, "y": 0.2})).ratio("y", "x") == pytest.approx(3.0)


def test_warm_builds_and_builds_of_no_length_say_nothing() -> None:
    times = {
        Pair("a", ARM64, "x"): Times(warm=(10,), last=LAST),
        Pair("a", ARM64, "y"): Times(cold=(0,), last=LAST),
    }
    assert speeds(Learned(times=times, marks={"x": 0.0})).factors == {}


def test_the_order_of_the_history_does_not_matter() -> None:
    built = [(job, node, (float(len(job) + place),)) for place, node in enumerate("vwxyz", 1) for job in ("a", "bb")]
    assert speeds(learned(*built)) == speeds(learned(*reversed(built)))


CPUS = {"x": "4 x Atom", "y": "4 x Atom"}
IN_COMMON = (("a", "x", (10.0,)), ("a", "y", (20.0,)))
MARK = Mark(cpu="4 x Atom", seconds=0.5)


@pytest.mark.parametrize(
    ("built", "marks", "expected"),
    [
        (IN_COMMON, {}, ()),
        (IN_COMMON, {"x": Mark(cpu="4 x Celeron", seconds=0.2)}, ("x",)),  # another board under the same name
        ((), {}, ("x", "y")),
        (IN_COMMON[:1], {}, ("x", "y")),  # one mark alone compares with nothing
        (IN_COMMON[:1], {"x": MARK}, ("y",)),
        ((), {"x": MARK, "y": MARK}, ()),
    ],
)
def test_who_has_to_do_the_benchmark(
    built: tuple[tuple[str, str, tuple[float, ...]], ...], marks: dict[str, Mark], expected: tuple[str, ...]
) -> None:
    known = learned(*built, marks={node: mark.seconds for node, mark in marks.items()})
    assert unmarked(CPUS, known, marks) == expected


def test_a_node_alone_need_not_be_measured() -> None:
    assert unmarked({"x": "4 x Atom"}, Learned(), {}) == ()
    assert unmarked({}, Learned(), {}) == ()
