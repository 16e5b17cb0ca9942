from __future__ import annotations

from datetime import datetime, timedelta, timezone

from farm.history.strikes import Strike
from farm.plan.quarantine import available, words
from farm.platforms import Platform

AMD64, ARM = Platform("linux", "amd64"), Platform("linux", "arm", "v7")
HOME = timezone(timedelta(hours=2))


def strike(node: str, minute: int, count: int = 3) -> Strike:
    return Strike(node=node, count=count, until=datetime(2025, 3, 1, 2, minute, tzinfo=HOME))


def test_a_rest_reads_as_words() -> None:
    assert words(strike("z1", 13)) == "z1 rests until 02:13 after 3 losses"
    assert words(strike("z1", 13, count=1)) == "z1 rests until 02:13 after 1 loss"


def test_a_resting_node_is_the_standby_of_last_resort() -> None:
    found = available({AMD64: ["z1", "z2", "z3"]}, {"z1": strike("z1", 13)})[AMD64]
    assert found.nodes == ("z2", "z3", "z1")
    assert found.reasons == ("z1 rests until 02:13 after 3 losses",)


def test_the_last_node_of_a_platform_is_used_and_that_is_said() -> None:
    found = available({ARM: ["pi4"], AMD64: ["z1"]}, {"pi4": strike("pi4", 13)})
    assert found[ARM].nodes == ("pi4",)
    assert found[ARM].reasons == ("pi4 rests until 02:13 after 3 losses, but no other node builds linux/arm/v7",)
    assert found[AMD64].nodes == ("z1",)
    assert found[AMD64].reasons == ()


def test_of_two_resting_nodes_the_one_that_is_back_first_comes_first() -> None:
    resting = {"z1": strike("z1", 30), "z2": strike("z2", 13)}
    found = available({AMD64: ["z1", "z2"]}, resting)[AMD64]
    assert found.nodes == ("z2", "z1")
    assert all(reason.endswith("but no other node builds linux/amd64") for reason in found.reasons)


def test_without_strikes_the_order_stays() -> None:
    assert available({AMD64: ["b", "a"]}, {})[AMD64].nodes == ("b", "a")
