"""What a run of several targets would do: each for itself, and their jobs among each other."""

from __future__ import annotations

from collections.abc import Mapping

from farm.errors import DependencyError, FarmError, NoNativeNodeError, UsageError
from farm.inventory.nodes import Node
from farm.plan.estimate import Estimates
from farm.plan.forecast import Forecast, forecast
from farm.plan.jobs import NOBODY_ALIKE, Basis, Expected, Job
from farm.platforms import Platform, parse
from farm.sources.spec import Spec
from farm.sources.targets import Target
from tests.unit.facts_of import facts

AMD64, I386, ARM64 = parse("linux/amd64"), parse("linux/386"), parse("linux/arm64")
NODES = {name: Node(name=name, host=name) for name in ("pi4", "z1", "z2")}
ANSWERS = {
    "pi4": facts("pi4", native=(ARM64,)),
    "z1": facts("z1", native=(AMD64, I386)),
    "z2": facts("z2", native=(AMD64, I386)),
}


def target(name: str, *platforms: str, needs: tuple[str, ...] = ()) -> Target:
    return Target(name=name, spec=Spec(context=".", platforms=tuple(parse(each) for each in platforms)), needs=needs)


def told(
    *targets: Target,
    refused: Mapping[str, FarmError] | None = None,
    basis: Basis = "guess",
    drained: Mapping[str, str] | None = None,
    optional: tuple[Platform, ...] = (),
) -> Forecast:
    def expect(_job: Job, node: str) -> Expected:
        return Expected(seconds=200 if node == "z1" else 100, basis=basis)

    estimates = Estimates(expect=expect, alike=NOBODY_ALIKE)
    return forecast(targets, NODES, ANSWERS, estimates, refused=refused or {}, drained=drained or {}, optional=optional)


def places(found: Forecast) -> dict[str, str]:
    return {f"{each.key.target} {each.key.platform}": each.node for each in found.schedule.placements}


def test_twins_share_what_one_alone_would_do_in_turn() -> None:
    found = told(target("a", "linux/amd64"), target("b", "linux/amd64"))
    assert sorted(places(found).values()) == ["z1", "z2"]
    assert found.schedule.makespan == 200


def test_the_plan_of_a_target_has_the_node_that_the_schedule_chose() -> None:
    (assignment,) = told(target("a", "linux/amd64"), basis="measured").plans["a"].assignments
    assert (assignment.node, assignment.standbys) == ("z2", ("z1",))
    assert "z1" in assignment.reason


def test_where_nothing_is_known_the_reason_is_that_of_one_target_alone() -> None:
    (assignment,) = told(target("a", "linux/arm64")).plans["a"].assignments
    assert assignment.reason == "the only native node"


def test_a_platform_without_a_node_refuses_its_own_target_and_what_builds_on_it() -> None:
    found = told(
        target("app", "linux/amd64", needs=("base",)),
        target("base", "linux/amd64", "linux/riscv64"),
        target("other", "linux/amd64"),
    )
    assert list(found.refused) == ["app", "base"]
    assert isinstance(found.refused["base"], NoNativeNodeError)
    assert isinstance(found.refused["app"], DependencyError)
    assert found.refused["app"].exit_code == found.refused["base"].exit_code
    assert places(found) == {"other linux/amd64": "z2"}


def test_what_was_refused_before_stays_so_and_takes_along_what_builds_on_it() -> None:
    gone = UsageError("its context has gone")
    found = told(target("base", "linux/amd64"), target("app", "linux/amd64", needs=("base",)), refused={"base": gone})
    assert found.refused["base"] is gone
    assert isinstance(found.refused["app"], DependencyError)
    assert found.plans == {}


def test_a_target_starts_after_what_it_builds_on() -> None:
    found = told(target("app", "linux/amd64", needs=("base",)), target("base", "linux/amd64"))
    first, second = found.schedule.placements
    assert (first.key.target, second.key.target) == ("base", "app")
    assert second.start >= first.end


def test_a_platform_that_is_needed_and_not_built_is_refused_before_anything_is() -> None:
    found = told(target("app", "linux/arm64", needs=("base",)), target("base", "linux/amd64", "linux/386"))
    assert list(found.refused) == ["app"]
    assert isinstance(found.refused["app"], UsageError)
    assert "linux/arm64" in found.refused["app"].what


def test_a_platform_that_may_be_missing_and_has_no_node_is_skipped() -> None:
    found = told(target("a", "linux/amd64", "linux/riscv64"), optional=(parse("linux/riscv64"),))
    assert [str(skip.key.platform) for skip in found.schedule.skipped] == ["linux/riscv64"]
    assert places(found) == {"a linux/amd64": "z2"}


def test_a_drained_node_gets_nothing() -> None:
    found = told(target("a", "linux/amd64"), drained={"z2": "it is at 83 °C"})
    assert places(found) == {"a linux/amd64": "z1"}


def test_no_order_of_the_targets_changes_anything() -> None:
    targets = [target("a", "linux/amd64"), target("b", "linux/amd64", "linux/arm64"), target("c", "linux/arm64")]
    assert told(*targets).schedule == told(*reversed(targets)).schedule
