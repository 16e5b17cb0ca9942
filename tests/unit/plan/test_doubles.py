"""One machine under two names gets its slots once."""

from __future__ import annotations

from farm.errors import UnreachableError
from farm.inventory.nodes import Engine, Node
from farm.nodes.facts import Facts, FoundEngine, Unreachable
from farm.plan.doubles import singled
from farm.platforms import Platform, parse
from tests.unit.facts_of import facts

ARM64, ARMV7 = parse("linux/arm64"), parse("linux/arm/v7")
_ENGINES = (
    FoundEngine(engine="buildkitd", socket="/run/buildkit/buildkitd.sock", version="v0.34.2"),
    FoundEngine(engine="docker", socket="/var/run/docker.sock", version="29.7.2"),
)


def _node(name: str, *platforms: Platform, engine: Engine = "auto") -> Node:
    return Node(name=name, host=f"{name}.lan", platforms=platforms, engine=engine)


def _facts(name: str, machine: str = "m1") -> Facts:
    return facts(
        name,
        native=(ARM64, ARMV7),
        engines=_ENGINES,
        machine_id=machine,
        boot_id="b1",
        host_key=f"key of {machine}",
    )


def _left(*nodes: Node) -> tuple[list[str], list[str]]:
    found = singled({node.name: node for node in nodes}, {node.name: _facts(node.name) for node in nodes})
    return list(found.nodes), list(found.warnings)


def test_the_first_name_stays_with_the_platforms_of_both() -> None:
    nodes = [_node("pi4", ARM64), _node("a", ARMV7), _node("b", ARM64)]
    found = singled({node.name: node for node in nodes}, {node.name: _facts(node.name) for node in nodes})
    assert {name: node.platforms for name, node in found.nodes.items()} == {"pi4": (ARM64, ARMV7)}
    assert found.warnings == (
        "a is the same machine as pi4 and counts as pi4: remove one of the names",
        "b is the same machine as pi4 and counts as pi4: remove one of the names",
    )


def test_who_declares_none_builds_all() -> None:
    for nodes in ([_node("pi4", ARM64), _node("a")], [_node("pi4"), _node("a", ARM64)]):
        found = singled({node.name: node for node in nodes}, {node.name: _facts(node.name) for node in nodes})
        assert {name: node.platforms for name, node in found.nodes.items()} == {"pi4": ()}


def test_two_engines_of_one_machine_stay() -> None:
    names, warnings = _left(_node("pi4"), _node("a", engine="docker"))
    assert names == ["pi4", "a"]
    assert warnings == ["pi4 and a are one machine with two engines: their builds share its power"]


def test_machines_of_their_own_and_silent_ones_stay() -> None:
    nodes = {name: _node(name) for name in ("pi4", "pi5", "z1")}
    away = Unreachable(node="z1", error=UnreachableError("z1: away"))
    found = singled(nodes, {"pi4": _facts("pi4"), "pi5": _facts("pi5", "m2"), "z1": away})
    assert (list(found.nodes), found.warnings) == (["pi4", "pi5", "z1"], ())
