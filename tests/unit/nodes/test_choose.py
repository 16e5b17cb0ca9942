"""Which of a node's engines is used, and what is said when none can be."""

from __future__ import annotations

import pytest

from farm.errors import Exit, FarmError
from farm.inventory import Node
from farm.nodes.engine.choose import choose
from farm.nodes.facts import Facts, FoundEngine

ROOTFUL = FoundEngine(engine="buildkitd", socket="/run/buildkit/buildkitd.sock", version="v0.34.2")
ROOTLESS = FoundEngine(engine="buildkitd", socket="/run/user/1000/buildkit/buildkitd.sock", version="v0.34.2")
DENIED = FoundEngine(
    engine="buildkitd", socket=ROOTFUL.socket, problem="pi may not use it", fix="join the group", denied=True
)
FROZEN = FoundEngine(engine="buildkitd", socket=ROOTFUL.socket, problem="it is frozen", fix="restart it")


def facts(*engines: FoundEngine) -> Facts:
    return Facts(
        node="pi4",
        machine="aarch64",
        kernel="6.6",
        userland="arm64",
        cpu_model="",
        cpu_count=4,
        page_size=4096,
        native=(),
        emulated=(),
        memory_total=0,
        memory_available=0,
        load=0.0,
        disk_free=None,
        disk_total=None,
        temperature=None,
        engines=engines,
    )


def refusal(node: Node, *engines: FoundEngine) -> FarmError:
    with pytest.raises(FarmError) as refused:
        choose(node, facts(*engines))
    return refused.value


def test_the_first_usable_one() -> None:
    assert choose(Node(name="pi4"), facts(ROOTFUL, ROOTLESS)) is ROOTFUL
    assert choose(Node(name="pi4"), facts(DENIED, ROOTLESS)) is ROOTLESS


def test_the_inventorys_socket_is_the_only_candidate() -> None:
    node = Node(name="pi4", socket=ROOTLESS.socket)
    assert choose(node, facts(ROOTFUL, ROOTLESS)) is ROOTLESS
    assert choose(node, facts(DENIED, ROOTLESS)) is ROOTLESS
    error = refusal(Node(name="pi4", socket=DENIED.socket), DENIED, ROOTLESS)
    assert error.what == "pi4: BuildKit cannot be used at /run/buildkit/buildkitd.sock: pi may not use it"
    assert error.fix == "join the group"
    assert error.exit_code == Exit.REFUSED


def test_no_engine_at_all() -> None:
    error = refusal(Node(name="pi4"))
    assert error.what == "pi4: no BuildKit was found on the node"
    assert error.fix == "install and start buildkitd there, or set `socket:` to where it listens"
    assert error.exit_code == Exit.REFUSED


def test_one_that_may_come_back_is_worth_another_try() -> None:
    assert refusal(Node(name="pi4"), FROZEN).exit_code == Exit.UNREACHABLE


def test_every_candidate_is_named() -> None:
    broken = FoundEngine(engine="buildkitd", socket=ROOTLESS.socket, problem="nobody listens there")
    assert refusal(Node(name="pi4"), DENIED, broken).details == (f"{ROOTLESS.socket}: nobody listens there",)
