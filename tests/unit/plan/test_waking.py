"""Only what the plan needs is woken, one node for each platform that nobody awake builds."""

from __future__ import annotations

import itertools

import pytest

from farm.errors import RefusedError, SilentError, UnreachableError
from farm.inventory.nodes import Node, Power
from farm.nodes.facts import Facts, Unreachable
from farm.plan.waking import to_wake
from farm.platforms import Platform, parse
from tests.unit.facts_of import facts

ARM64, ARMV7, AMD64 = parse("linux/arm64"), parse("linux/arm/v7"), parse("linux/amd64")
PLUG = Power(mac="02:00:00:00:00:01")


def _node(name: str, *platforms: Platform, power: Power | None = PLUG) -> Node:
    return Node(name=name, host=f"{name}.lan", platforms=platforms, power=power)


def _asleep(name: str) -> Unreachable:
    return Unreachable(node=name, error=SilentError(f"{name}: nothing answers there"))


def _awake(name: str, *native: Platform, emulated: tuple[Platform, ...] = ()) -> Facts:
    return facts(name, native=native, emulated=emulated)


def _wake(wanted: list[Platform], *known: tuple[Node, Facts | Unreachable], tried: tuple[str, ...] = ()) -> list[str]:
    """What is to be woken, which must not depend on the order of the inventory."""
    found = {
        to_wake(
            wanted,
            {node.name: node for node, _ in order},
            {node.name: answer for node, answer in order},
            tried=tried,
        )
        for order in itertools.permutations(known)
    }
    (names,) = found
    return list(names)


def test_one_board_may_serve_several_platforms() -> None:
    assert _wake([ARM64, ARMV7], (_node("pi4", ARM64, ARMV7), _asleep("pi4"))) == ["pi4"]


def test_nobody_is_woken_for_what_somebody_awake_builds() -> None:
    assert _wake([AMD64], (_node("z1"), _awake("z1", AMD64)), (_node("z2", AMD64), _asleep("z2"))) == []


def test_of_two_twins_asleep_one_is_woken_and_the_other_if_that_fails() -> None:
    twins = [(_node(name, AMD64), _asleep(name)) for name in ("z1", "z2")]
    assert _wake([AMD64], *twins) == ["z1"]
    assert _wake([AMD64], *twins, tried=("z1",)) == ["z2"]
    assert _wake([AMD64], *twins, tried=("z1", "z2")) == []


def test_who_declares_the_platform_comes_before_who_declares_none() -> None:
    assert _wake([ARM64], (_node("a"), _asleep("a")), (_node("b", ARM64), _asleep("b"))) == ["b"]
    assert _wake([ARM64], (_node("a"), _asleep("a")), (_node("b", AMD64), _asleep("b"))) == ["a"]


def test_what_is_emulated_or_not_declared_awake_is_no_answer() -> None:
    pi4 = (_node("pi4", ARM64), _asleep("pi4"))
    assert _wake([ARM64], (_node("z1"), _awake("z1", AMD64, emulated=(ARM64,))), pi4) == ["pi4"]
    assert _wake([ARM64], (_node("z1", ARMV7), _awake("z1", ARM64, ARMV7)), pi4) == ["pi4"]


@pytest.mark.parametrize(
    ("power", "answer"),
    [
        pytest.param(None, _asleep("pi4"), id="nothing to wake it with"),
        pytest.param(Power(cycle=("plug", "cycle")), _asleep("pi4"), id="it can be cycled only"),
        pytest.param(PLUG, Unreachable(node="pi4", error=RefusedError("pi4: wrong key")), id="it is awake and refuses"),
        pytest.param(PLUG, Unreachable(node="pi4", error=UnreachableError("pi4: no engine")), id="awake, no engine"),
    ],
)
def test_who_is_not_woken(power: Power | None, answer: Unreachable) -> None:
    assert _wake([ARM64], (_node("pi4", ARM64, power=power), answer)) == []


def test_a_command_wakes_as_well_as_a_packet() -> None:
    assert _wake([ARM64], (_node("pi4", power=Power(wake=("plug", "on"))), _asleep("pi4"))) == ["pi4"]


def test_with_nothing_known_of_any_node_all_are_asked() -> None:
    sleeping = [(_node(name), _asleep(name)) for name in ("pi4", "z1")]
    assert _wake([], *sleeping) == ["pi4", "z1"]
    assert _wake([], *sleeping, (_node("z2"), _awake("z2", AMD64))) == []
    assert _wake([], *sleeping, (_node("z2", AMD64), _asleep("z2"))) == []
