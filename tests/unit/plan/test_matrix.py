"""A target's platforms as jobs."""

from __future__ import annotations

import pytest

from farm.errors import UsageError
from farm.plan import matrix
from farm.plan.jobs import Job, Key
from farm.plan.planner import Assignment
from farm.platforms import Platform, parse
from farm.sources.spec import Spec
from farm.sources.targets import Target

ARM64, ARMV7, AMD64 = parse("linux/arm64"), parse("linux/arm/v7"), parse("linux/amd64")


def _assignment(platform: Platform, node: str, *standbys: str) -> Assignment:
    return Assignment(platform=platform, node=node, standbys=standbys, reason="")


def test_a_job_for_each_platform_that_has_a_node() -> None:
    target = Target(name="app", spec=Spec(context="."), priority=3)
    found = matrix.jobs(
        target,
        [_assignment(ARM64, "pi4", "pi5", "asleep"), _assignment(AMD64, "z1")],
        usable={"pi4", "pi5", "z1"},
        platforms={},
        peaks={AMD64: 700},
    )
    assert found == (
        Job(key=Key("app", ARM64), nodes=("pi4", "pi5"), priority=3),
        Job(key=Key("app", AMD64), nodes=("z1",), priority=3, memory=700),
    )


def test_what_a_target_says_of_its_memory_comes_before_what_was_seen() -> None:
    target = Target(name="app", spec=Spec(context="."), memory=500)
    (job,) = matrix.jobs(target, [_assignment(ARM64, "pi4")], usable={"pi4"}, platforms={}, peaks={ARM64: 900})
    assert job.memory == 500


def test_a_platform_is_built_after_the_same_platform_of_what_it_needs_or_its_only_one() -> None:
    target = Target(name="app", spec=Spec(context="."), needs=("base", "web"))
    found = matrix.jobs(
        target,
        [_assignment(ARM64, "pi4"), _assignment(ARMV7, "pi4")],
        usable={"pi4"},
        platforms={"base": (ARM64, ARMV7, AMD64), "web": (AMD64,)},
    )
    assert [job.needs for job in found] == [
        (Key("base", ARM64), Key("web", AMD64)),
        (Key("base", ARMV7), Key("web", AMD64)),
    ]


def test_a_platform_that_a_needed_target_is_not_built_for_is_refused() -> None:
    target = Target(name="app", spec=Spec(context="."), needs=("base",))
    with pytest.raises(UsageError) as caught:
        matrix.jobs(target, [_assignment(ARMV7, "pi4")], usable={"pi4"}, platforms={"base": (ARM64, AMD64)})
    assert caught.value.what == (
        "app is built for linux/arm/v7, and base, which it builds on, only for linux/arm64, linux/amd64"
    )
    assert caught.value.fix == "give both the same platforms, or base a single one"
