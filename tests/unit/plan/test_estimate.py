from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from farm.history.learned import Learned, Pair, Times
from farm.history.speeds import Speeds, speeds
from farm.plan.estimate import CACHE_KEPT, UNKNOWN, WARM_SHARE, Estimates, estimates
from farm.plan.jobs import Expected, Job, Key
from farm.platforms import Platform, parse

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
AMD64, ARM64 = parse("linux/amd64"), parse("linux/arm64")
NODES = ("z1", "z2", "fast", "new")


def times(cold: tuple[float, ...] = (), warm: tuple[float, ...] = (), *, age: timedelta = timedelta(days=1)) -> Times:
    return Times(cold=cold, warm=warm, last=NOW - age)


def estimated(
    past: Mapping[tuple[str, Platform, str], Times], *, marks: Mapping[str, float], names: Mapping[str, str]
) -> Estimates:
    learned = Learned(times={Pair(*pair): value for pair, value in past.items()}, marks=marks)
    return estimates(learned, speeds(learned), NODES, now=NOW, names=names)


def expected(
    past: Mapping[tuple[str, Platform, str], Times],
    node: str,
    *,
    target: str = "go",
    platform: Platform = AMD64,
    marks: Mapping[str, float] | None = None,
    names: Mapping[str, str] | None = None,
) -> Expected:
    job = Job(key=Key(target, platform), nodes=NODES)
    return estimated(past, marks=marks or {}, names=names or {}).expect(job, node)


OLD = CACHE_KEPT + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("past", "seconds", "is_warm", "basis"),
    [
        pytest.param(times((100,), (10, 12, 40)), 12, True, "measured", id="warm as often as not"),
        pytest.param(times((100, 90, 80), (10,)), 90, False, "measured", id="its cache seldom helps"),
        pytest.param(times((100, 90)), 95, False, "measured", id="its cache has not helped"),
        pytest.param(times((100,)), 100 * WARM_SHARE, True, "guess", id="the next build is the first warm one"),
        pytest.param(times((), (10,)), 10, True, "measured", id="only warm ones are remembered"),
        pytest.param(times((100,), (10, 12), age=OLD), 100, False, "measured", id="the cache is gone by now"),
        pytest.param(times((), (10,), age=OLD), 10 / WARM_SHARE, False, "guess", id="gone, and cold never seen"),
        pytest.param(times((9, 9, 9, 1, 1, 1, 1, 1, 1)), 9, False, "measured", id="recent ones alone count"),
    ],
)
def test_a_node_that_built_the_job(past: Times, seconds: float, is_warm: bool, basis: str) -> None:
    found = expected({("go", AMD64, "z1"): past}, "z1")
    assert found.seconds == pytest.approx(seconds)
    assert (found.is_warm, found.basis) == (is_warm, basis)


def test_the_first_warm_build_takes_the_share_that_it_takes_elsewhere() -> None:
    past = {("go", AMD64, "z1"): times((100,)), ("go", AMD64, "z2"): times((200,), (20,))}
    found = expected(past, "z1")
    assert found.seconds == pytest.approx(10)
    assert (found.is_warm, found.basis) == (True, "speed")


@pytest.mark.parametrize(
    ("past", "marks", "node", "seconds", "basis"),
    [
        pytest.param(
            {("go", AMD64, "z1"): times((100,))},
            {"z1": 8, "new": 4},
            "new",
            50,
            "speed",
            id="twice as fast in the probe",
        ),
        pytest.param(
            {("go", AMD64, "z1"): times((100,)), ("a", AMD64, "z1"): times((30,)), ("a", AMD64, "fast"): times((10,))},
            {},
            "fast",
            100 / 3,
            "speed",
            id="three times as fast for another target",
        ),
        pytest.param(
            {("go", AMD64, "z1"): times((100,)), ("go", AMD64, "fast"): times((20,))},
            {"z1": 10, "fast": 2, "new": 4},
            "new",
            40,
            "speed",
            id="from two nodes",
        ),
        pytest.param(
            {("go", AMD64, "z1"): times((), (50,))}, {"z1": 1, "new": 1}, "new", 100, "speed", id="only warm is known"
        ),
        pytest.param({("go", AMD64, "z1"): times((100,))}, {}, "new", 100, "guess", id="nothing compares the two"),
        pytest.param({("go", ARM64, "z1"): times((70,))}, {}, "new", 70, "guess", id="the target's other platform"),
        pytest.param(
            {("a", AMD64, "z1"): times((10,)), ("b", AMD64, "z1"): times((30,)), ("c", ARM64, "z1"): times((900,))},
            {},
            "new",
            20,
            "guess",
            id="the platform's other targets",
        ),
        pytest.param({}, {}, "new", UNKNOWN, "guess", id="a farm's first job"),
        pytest.param({("a", ARM64, "z1"): times((10,))}, {}, "new", UNKNOWN, "guess", id="nothing alike"),
    ],
)
def test_a_node_that_never_built_the_job(
    past: Mapping[tuple[str, Platform, str], Times], marks: Mapping[str, float], node: str, seconds: float, basis: str
) -> None:
    found = expected(past, node, marks=marks)
    assert found.seconds == pytest.approx(seconds, rel=0.05)
    assert (found.is_warm, found.basis) == (False, basis)


def test_targets_may_have_other_names_in_the_history() -> None:
    past = {("registry.lan/go", AMD64, "z1"): times((100, 100))}
    assert expected(past, "z1", names={"go": "registry.lan/go"}).seconds == 100
    found = estimated(past, marks={}, names={"go": "registry.lan/go"})
    assert found.alike.apart == {Key("go", AMD64): ["z1"]}


def test_nodes_of_one_speed_are_alike_but_for_those_that_built_the_job() -> None:
    past = {("go", AMD64, "z1"): times((100,), (10,)), ("go", AMD64, "fast"): times((20,), (2,))}
    found = estimated(past, marks={"z1": 10, "z2": 10.1, "fast": 2, "new": 10}, names={})
    kinds = found.alike.kinds
    assert kinds["z1"] == kinds["z2"] == kinds["new"] != kinds["fast"]
    assert sorted(found.alike.apart[Key("go", AMD64)]) == ["fast", "z1"]
    job = Job(key=Key("go", AMD64), nodes=NODES)
    assert found.expect(job, "z2") == found.expect(job, "new") != found.expect(job, "z1")


def test_a_build_that_took_no_time_breaks_nothing() -> None:
    assert expected({("go", AMD64, "z1"): times((0.0,))}, "new").seconds == 0
    learned = Learned()
    assert estimates(learned, Speeds(), (), now=NOW).expect(Job(key=Key("", AMD64), nodes=()), "x").seconds == UNKNOWN
