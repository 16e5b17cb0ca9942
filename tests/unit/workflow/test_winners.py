from __future__ import annotations

from dataclasses import dataclass

from farm.platforms import Platform, parse
from farm.workflow.join_builder import winners

ARM64, ARM_V7, AMD64 = parse("linux/arm64"), parse("linux/arm/v7"), parse("linux/amd64")


@dataclass(frozen=True)
class Placed:
    platform: Platform
    node: str


def test_platforms_of_one_node_come_together_in_the_order_given() -> None:
    placed = [Placed(ARM64, "pi4"), Placed(AMD64, "z1"), Placed(ARM_V7, "pi4")]
    assert winners(placed) == {"pi4": [ARM64, ARM_V7], "z1": [AMD64]}


def test_other_winners_are_not_equal_to_the_planned() -> None:
    assert winners([Placed(AMD64, "z1")]) != winners([Placed(AMD64, "z2")])
