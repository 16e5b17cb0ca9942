from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from farm.errors import NoNativeNodeError, RefusedError, UnreachableError
from farm.history.strikes import Strike
from farm.inventory.nodes import Node
from farm.nodes.facts import Facts, Unreachable
from farm.plan.planner import Plan, default_platforms, plan
from farm.platforms import Platform, parse

ARM64, ARMV7, AMD64 = parse("linux/arm64"), parse("linux/arm/v7"), parse("linux/amd64")


def node(name: str, *platforms: Platform, slots: int = 1) -> Node:
    return Node(name=name, host=f"{name}.lan", platforms=platforms, slots=slots)


def facts(
    name: str, *native: Platform, emulated: tuple[Platform, ...] = (), load: float = 0.1, cpu_count: int = 4
) -> Facts:
    return Facts(
        node=name,
        machine="any",
        kernel="6.1",
        userland="any",
        cpu_model="any",
        cpu_count=cpu_count,
        page_size=4096,
        native=native,
        emulated=emulated,
        memory_total=2 * 10**9,
        memory_available=10**9,
        load=load,
        disk_free=10**10,
        disk_total=10**11,
        temperature=None,
        engines=(),
    )


def away(name: str) -> Unreachable:
    return Unreachable(node=name, error=UnreachableError(f"{name}: no route to host"))


def plan_all(nodes: dict[str, Node], answers: Mapping[str, Facts | Unreachable]) -> Plan:
    return plan(default_platforms(nodes, answers), nodes, answers)


PI4, Z1, Z2 = node("pi4"), node("z1"), node("z2")
HOME = {n.name: n for n in (PI4, Z1, Z2)}
ANSWERS: dict[str, Facts | Unreachable] = {
    "pi4": facts("pi4", ARM64, ARMV7, parse("linux/arm/v6")),
    "z1": facts("z1", AMD64, parse("linux/386")),
    "z2": facts("z2", AMD64, parse("linux/386")),
}


def test_every_platform_gets_its_native_node_and_twins_stand_by() -> None:
    result = plan((AMD64, ARM64, ARMV7), HOME, ANSWERS)
    assert [(a.platform, a.node, a.standbys) for a in result.assignments] == [
        (AMD64, "z1", ("z2",)),
        (ARM64, "pi4", ()),
        (ARMV7, "pi4", ()),
    ]
    assert result.nodes == ("z1", "pi4")
    assert result.assignments[0].reason == "first by name of 2 equal native nodes"
    assert result.assignments[1].reason == "the only native node"


def test_without_platforms_all_usual_native_ones_are_planned_but_not_old_relatives() -> None:
    assert [a.platform for a in plan_all(HOME, ANSWERS).assignments] == [AMD64, ARMV7, ARM64]


def test_what_a_node_declares_limits_what_it_gets() -> None:
    nodes = HOME | {"pi4": node("pi4", ARM64)}
    assert [str(a.platform) for a in plan_all(nodes, ANSWERS).assignments] == ["linux/amd64", "linux/arm64"]
    with pytest.raises(NoNativeNodeError, match="linux/arm/v7") as caught:
        plan((ARMV7,), nodes, ANSWERS)
    assert any("declared linux/arm64" in detail for detail in caught.value.details)


def test_a_declared_platform_that_is_not_native_is_refused_with_every_nodes_answer() -> None:
    nodes = {"z1": node("z1", AMD64, ARM64)}
    with pytest.raises(NoNativeNodeError) as caught:
        plan((ARM64,), nodes, {"z1": facts("z1", AMD64, emulated=(ARM64,))})
    assert caught.value.details == ("z1: native linux/amd64, declared linux/amd64, linux/arm64, emulated linux/arm64",)
    assert "--allow-emulation" in (caught.value.fix or "")


def test_emulation_is_used_only_when_allowed_and_only_without_a_native_node() -> None:
    answers = ANSWERS | {"z1": facts("z1", AMD64, emulated=(ARM64,))}
    assert plan((ARM64,), HOME, answers, allow_emulation=True).assignments[0].node == "pi4"
    without_pi = {"z1": HOME["z1"]}
    assignment = plan((ARM64,), without_pi, {"z1": answers["z1"]}, allow_emulation=True).assignments[0]
    assert (assignment.node, assignment.emulated) == ("z1", True)
    with pytest.raises(NoNativeNodeError):
        plan((ARM64,), without_pi, {"z1": answers["z1"]})


def test_a_silent_node_that_nobody_needs_is_only_mentioned() -> None:
    result = plan((AMD64, ARM64), HOME, ANSWERS | {"z1": away("z1")})
    assert [a.node for a in result.assignments] == ["z2", "pi4"]
    assert [m.node for m in result.missing] == ["z1"]


def test_a_platform_whose_only_node_is_silent_is_unreachable_not_impossible() -> None:
    with pytest.raises(UnreachableError, match="pi4"):
        plan((ARM64,), HOME, ANSWERS | {"pi4": away("pi4")})


def test_a_declared_platform_of_a_silent_node_is_not_dropped_from_the_default() -> None:
    nodes = HOME | {"pi4": node("pi4", ARM64, ARMV7)}
    with pytest.raises(UnreachableError, match="linux/arm64"):
        plan_all(nodes, ANSWERS | {"pi4": away("pi4")})


def test_a_platform_that_may_be_missing_is_asked_for_even_where_no_node_that_answers_has_it() -> None:
    """An image that has lost it is not published as if it were whole."""
    answers = ANSWERS | {"pi4": away("pi4")}
    without = default_platforms(HOME, answers)
    assert ARMV7 not in without
    assert default_platforms(HOME, answers, optional=[ARMV7]) == (*without, ARMV7)
    assert default_platforms(HOME, answers, optional=without) == without


def test_all_nodes_silent_is_unreachable() -> None:
    with pytest.raises(UnreachableError):
        plan_all(HOME, {name: away(name) for name in HOME})


def test_no_nodes_at_all_is_said() -> None:
    with pytest.raises(NoNativeNodeError, match="no node is left"):
        plan_all({}, {})


def test_platforms_are_spread_over_twins_by_slots() -> None:
    nodes = {"a": node("a"), "b": node("b", slots=3)}
    answers: dict[str, Facts | Unreachable] = {name: facts(name, ARM64, ARMV7, AMD64) for name in nodes}
    chosen = [a.node for a in plan((ARM64, ARMV7, AMD64), nodes, answers).assignments]
    assert sorted(chosen) == ["a", "b", "b"]


def test_a_busy_node_is_second_choice_and_the_reason_says_so() -> None:
    answers = ANSWERS | {"z1": facts("z1", AMD64, load=5.5, cpu_count=4)}
    assignment = plan((AMD64,), HOME, answers).assignments[0]
    assert (assignment.node, assignment.reason) == ("z2", "z1 is busy (load 5.5 on 4 cores)")


def test_the_plan_does_not_depend_on_the_order_of_its_input() -> None:
    names = list(HOME)
    wanted = (AMD64, ARM64, ARMV7)
    expected = {a.platform: a for a in plan(wanted, HOME, ANSWERS).assignments}
    for order in itertools.permutations(names):
        shuffled = random.Random(str(order)).sample(wanted, k=3)
        result = plan(shuffled, {n: HOME[n] for n in order}, {n: ANSWERS[n] for n in reversed(order)})
        assert {a.platform: a for a in result.assignments} == expected
        assert [a.platform for a in result.assignments] == shuffled


def test_a_node_that_rests_comes_last_and_the_reason_says_until_when() -> None:
    strike = Strike(node="z1", count=3, until=datetime(2026, 1, 2, 2, 13, tzinfo=UTC))
    assignment = plan((AMD64,), HOME, ANSWERS, resting={"z1": strike}).assignments[0]
    assert (assignment.node, assignment.standbys) == ("z2", ("z1",))
    assert assignment.reason == "z1 rests until 02:13 after 3 losses"


def test_the_last_node_of_a_platform_is_used_even_while_it_rests() -> None:
    strike = Strike(node="pi4", count=1, until=datetime(2026, 1, 2, 2, 13, tzinfo=UTC))
    assignment = plan((ARM64,), HOME, ANSWERS, resting={"pi4": strike}).assignments[0]
    assert assignment.node == "pi4"
    assert assignment.reason == "pi4 rests until 02:13 after 1 loss, but no other node is there"


def test_a_silent_node_that_declares_the_platform_is_the_last_standby() -> None:
    nodes = {"z1": node("z1", AMD64), "z2": node("z2", AMD64), "z3": node("z3", AMD64)}
    answers = {"z1": away("z1"), "z2": ANSWERS["z2"], "z3": facts("z3", AMD64)}
    assignment = plan((AMD64,), nodes, answers).assignments[0]
    assert (assignment.node, assignment.standbys) == ("z2", ("z3", "z1"))


def test_an_optional_platform_that_nobody_builds_is_left_out() -> None:
    riscv = parse("linux/riscv64")
    assert [a.platform for a in plan((AMD64, riscv), HOME, ANSWERS, optional=(riscv,)).assignments] == [AMD64]
    with pytest.raises(NoNativeNodeError):
        plan((AMD64, riscv), HOME, ANSWERS, optional=(ARM64,))


def test_a_platform_named_twice_is_planned_once() -> None:
    assert len(plan((AMD64, AMD64), HOME, ANSWERS).assignments) == 1


def test_a_platform_whose_only_node_refuses_is_refused_not_away() -> None:
    refused = Unreachable(node="pi4", error=RefusedError("pi4: its host key has changed", fix="farm nodes trust pi4"))
    with pytest.raises(RefusedError, match="refused by pi4") as caught:
        plan((ARM64,), HOME, ANSWERS | {"pi4": refused})
    assert caught.value.fix == "farm nodes trust pi4"
