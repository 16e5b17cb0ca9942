"""Limits that each step is told, where farm has not set BuildKit up itself."""

from __future__ import annotations

import pytest

from farm.inventory import Limits
from farm.nodes.engine.step_limits import StepLimits, step_limits

ALL = Limits(memory=1 << 30, cpus=1.5, nice=10, io="idle", parallel=2)


@pytest.mark.parametrize(("buildkit", "docker"), [("v0.34.2", None), ("v0.31.0", None), ("v0.0.0+unknown", "29.6.0")])
def test_what_a_step_can_be_told(buildkit: str, docker: str | None) -> None:
    found = step_limits(ALL, buildkit=buildkit, docker=docker)
    assert found.resources == ("memory=1073741824", "cpu-period=100000", "cpu-quota=150000", "cpu-shares=110")
    assert found.unheld == ("io", "parallel")


@pytest.mark.parametrize(
    ("buildkit", "docker"),
    [("v0.30.1", None), ("v0.13.2", "26.1.5+dfsg1"), ("v0.0.0+unknown", "26.1.5+dfsg1"), ("nonsense", None)],
)
def test_an_older_buildkit_would_take_no_notice(buildkit: str, docker: str | None) -> None:
    found = step_limits(ALL, buildkit=buildkit, docker=docker)
    assert found == StepLimits(unheld=("memory", "cpus", "nice", "io", "parallel"))


def test_a_rootless_buildkit_leaves_them_out() -> None:
    found = step_limits(Limits(memory=1 << 30), buildkit="v0.34.2", is_rootless=True)
    assert found == StepLimits(unheld=("memory",))


def test_no_limits_no_words() -> None:
    assert step_limits(Limits(), buildkit="v0.13.0") == StepLimits()
    assert step_limits(Limits(nice=0, io="best-effort"), buildkit="v0.13.0") == StepLimits()
