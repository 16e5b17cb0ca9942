"""The user's own `--resource` beside the limits of a node."""

from __future__ import annotations

import pytest

from farm.build.resources import are_taken, merged

LIMITS = ("memory=1073741824", "cpu-period=100000", "cpu-quota=150000")


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ((), LIMITS),
        (("memory=128m",), ("memory=128m", *LIMITS[1:])),
        (("memory=0.5gb",), ("memory=0.5gb", *LIMITS[1:])),
        (("memory=4g",), LIMITS),
        (("memory=1073741824",), LIMITS),
        (("memory=lots",), ("memory=lots", *LIMITS[1:])),
        (("cpu-quota=400000", "cpuset-cpus=0"), ("cpuset-cpus=0", *LIMITS)),
    ],
)
def test_who_builds_may_ask_for_less_and_never_for_more(own: tuple[str, ...], told: tuple[str, ...]) -> None:
    assert merged(own, LIMITS) == told


def test_without_limits_the_users_own_words_stay_as_they_are() -> None:
    assert merged(("memory=4g", "memory=5g"), ()) == ("memory=4g", "memory=5g")


@pytest.mark.parametrize(
    ("version", "taken"), [("v0.38.2", True), ("v0.35.0", True), ("v0.34.1", False), ("0.13.1", False), (None, True)]
)
def test_which_buildx_takes_them(version: str | None, taken: bool) -> None:
    assert are_taken(version) is taken
