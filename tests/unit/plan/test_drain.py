from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from farm.nodes.sample.sample import Sample
from farm.plan.drain import State, judge

HEALTHY = {
    "memory_total": 4_000_000_000,
    "memory_available": 3_000_000_000,
    "temperature": 50.0,
    "disk_free": 2 * 10**10,
}


def sample(**changes: Any) -> Sample:
    return Sample(**{**HEALTHY, **changes})


def course(samples: Sequence[dict[str, Any]], *, machine: str = "aarch64", every: float = 10.0) -> list[State]:
    """What becomes of a node by one sample after the other, in so many seconds each."""
    states, state = [], State()
    for number, changes in enumerate(samples):
        state = judge(state, sample(**changes), at=number * every, machine=machine)
        states.append(state)
    return states


def causes(*samples: dict[str, Any], machine: str = "aarch64") -> list[str | None]:
    return [state.cause for state in course(samples, machine=machine)]


@pytest.mark.parametrize(
    ("changes", "machine", "reason"),
    [
        ({}, "aarch64", None),
        ({"temperature": None, "memory_available": None, "disk_free": None}, "aarch64", None),
        ({"temperature": 79.9}, "aarch64", None),
        ({"temperature": 80.0}, "aarch64", "its CPU is at 80 °C; it is used again below 70 °C"),
        ({"temperature": 84.6}, "armv7l", "its CPU is at 85 °C; it is used again below 70 °C"),
        ({"temperature": 84.6}, "x86_64", None),
        ({"temperature": 91.0}, "x86_64", "its CPU is at 91 °C; it is used again below 80 °C"),
        ({"throttled": 0x4}, "aarch64", "it slows itself down for its heat"),
        ({"throttled": 0x50005}, "aarch64", "it slows itself down for lack of voltage"),
        ({"throttled": 0x50000}, "aarch64", None),  # was, since the start
        ({"throttled": 0x8}, "aarch64", None),  # the soft limit of a Pi 3B+, at 60 degrees
        ({"slowed": 9}, "x86_64", None),  # since the start, as far as one sample can tell
        ({"disk_free": 999_000_000}, "aarch64", "only 999 MB are free on the disk of its build cache"),
        ({"disk_free": 0}, "aarch64", "only 0 B are free on the disk of its build cache"),
        ({"memory_available": 190_000_000}, "aarch64", "only 190 MB of memory are free"),
        ({"memory_available": 190_000_000, "memory_total": 430_000_000}, "armv7l", None),  # a Pi Zero has no more
        ({"temperature": 85.0, "disk_free": 0}, "aarch64", "its CPU is at 85 °C; it is used again below 70 °C"),
    ],
)
def test_one_look(changes: dict[str, Any], machine: str, reason: str | None) -> None:
    (state,) = course([changes], machine=machine)
    assert state.reason == reason
    assert (state.cause is None) == (reason is None)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([{"temperature": degrees} for degrees in (79, 80, 75, 70, 69.9, 79)], [None, *["heat"] * 3, None, None]),
        ([{"disk_free": size} for size in (9e8, 1.2e9, 1.6e9, 1.2e9)], ["disk", "disk", None, None]),
        ([{"memory_available": size} for size in (1e8, 2.5e8, 3.1e8, 2.5e8)], ["memory", "memory", None, None]),
        ([{"throttled": 4}, {"throttled": 0}, {"throttled": 0}, {}], [*["throttled"] * 3, None]),
        (
            [{"slowed": 5}, {"slowed": 7}, {"slowed": 7}, {"slowed": None}, {"slowed": 7}],
            [None, *["throttled"] * 3, None],
        ),
        ([{"temperature": 85, "throttled": 4}, {"temperature": 65}, {}, {}], ["heat", "throttled", "throttled", None]),
    ],
)
def test_a_node_is_used_again_when_it_is_well_clear(samples: list[dict[str, Any]], expected: list[str | None]) -> None:
    assert causes(*samples) == expected


def test_a_restarted_node_counts_from_nothing() -> None:
    assert causes({"slowed": 900}, {"slowed": 0}, {"slowed": 0}) == [None, None, None]


@pytest.mark.parametrize(
    ("changes", "looks"),
    [({"temperature": 85}, 60), ({"throttled": 5}, 60), ({"disk_free": 0}, 6), ({"memory_available": 1}, 12)],
)
def test_what_does_not_pass_is_not_waited_for_for_ever(changes: dict[str, Any], looks: int) -> None:
    states = course([changes] * (looks + 30))
    assert all(state.reason for state in states[:looks])
    assert not any(state.reason for state in states[looks:])


def test_what_has_passed_counts_anew() -> None:
    hot, cool = {"temperature": 85}, {"temperature": 60}
    found = causes(*[hot] * 62, {"temperature": 75}, hot, cool, hot)
    assert found[60:] == [None, None, None, None, None, "heat"]


def test_another_cause_counts_beside_one_that_is_excused() -> None:
    full = {"disk_free": 0}
    assert causes(*[full] * 8, {**full, "temperature": 85}, full)[6:] == [None, None, "heat", None]
