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
DOCKER = FoundEngine(engine="docker", socket="/var/run/docker.sock", version="26.1.5")
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


def chosen(node: Node, *engines: FoundEngine) -> FoundEngine:
    return choose(node, facts(*engines)).engine


def refusal(node: Node, *engines: FoundEngine) -> FarmError:
    with pytest.raises(FarmError) as refused:
        choose(node, facts(*engines))
    return refused.value


def test_the_first_usable_one() -> None:
    assert chosen(Node(name="pi4"), ROOTFUL, ROOTLESS, DOCKER) is ROOTFUL
    assert chosen(Node(name="pi4"), DENIED, ROOTLESS, DOCKER) is ROOTLESS
    assert chosen(Node(name="pi4"), FROZEN, DOCKER) is DOCKER


def test_the_inventorys_socket_is_the_only_candidate() -> None:
    node = Node(name="pi4", socket=ROOTLESS.socket)
    assert chosen(node, ROOTFUL, ROOTLESS) is ROOTLESS
    assert chosen(node, DENIED, ROOTLESS) is ROOTLESS
    error = refusal(Node(name="pi4", socket=DENIED.socket), DENIED, ROOTLESS)
    assert error.what == "pi4: BuildKit cannot be used at /run/buildkit/buildkitd.sock: pi may not use it"
    assert error.fix == "join the group"
    assert error.exit_code == Exit.REFUSED


def test_the_inventorys_engine_is_the_only_kind() -> None:
    assert chosen(Node(name="pi4", engine="docker"), ROOTFUL, DOCKER) is DOCKER
    assert refusal(Node(name="pi4", engine="buildkitd"), FROZEN, DOCKER).exit_code == Exit.UNREACHABLE
    error = refusal(Node(name="pi4", engine="docker"), ROOTFUL)
    assert error.what == "pi4: no docker was found on the node"
    assert error.fix == "install and start docker there, or set `socket:` to where it listens"


@pytest.mark.parametrize("engine", [ROOTFUL, DOCKER])
def test_this_machine_takes_what_it_has(engine: FoundEngine) -> None:
    assert chosen(Node(name="local", engine="local"), engine) is engine


def test_no_engine_at_all() -> None:
    error = refusal(Node(name="pi4"))
    assert error.what == "pi4: no buildkitd or docker was found on the node"
    assert error.fix == "install and start buildkitd or docker there, or set `socket:` to where it listens"
    assert error.exit_code == Exit.UNREACHABLE


def test_no_engine_on_this_machine_and_no_boards_either() -> None:
    error = refusal(Node(name="local", engine="local"))
    assert error.what == "local: no buildkitd or docker was found on this machine"
    assert error.fix == "install and start buildkitd or docker there, or list your boards in inventory.yaml"


def test_one_that_may_come_back_is_worth_another_try() -> None:
    assert refusal(Node(name="pi4"), FROZEN).exit_code == Exit.UNREACHABLE


def test_every_candidate_is_named() -> None:
    broken = FoundEngine(engine="buildkitd", socket=ROOTLESS.socket, problem="nobody listens there")
    assert refusal(Node(name="pi4"), DENIED, broken).details == (f"{ROOTLESS.socket}: nobody listens there",)


def test_docker_is_called_by_its_name() -> None:
    old = FoundEngine(engine="docker", socket=DOCKER.socket, problem="it has no image store", denied=True)
    error = refusal(Node(name="pi4", engine="docker"), old)
    assert error.what == "pi4: Docker cannot be used at /var/run/docker.sock: it has no image store"
    assert error.exit_code == Exit.REFUSED


@pytest.mark.parametrize(
    ("node", "engines", "why"),
    [
        (Node(name="a"), (ROOTFUL, DOCKER), "buildkitd v0.34.2 at /run/buildkit/buildkitd.sock"),
        (Node(name="a"), (DOCKER,), "docker 26.1.5 at /var/run/docker.sock; no buildkitd there"),
        (
            Node(name="a"),
            (DENIED, DOCKER),
            (
                "docker 26.1.5 at /var/run/docker.sock; "
                "buildkitd at /run/buildkit/buildkitd.sock is of no use: pi may not use it"
            ),
        ),
        (
            Node(name="a", engine="docker"),
            (ROOTFUL, DOCKER),
            "docker 26.1.5 at /var/run/docker.sock; as the inventory says",
        ),
        (
            Node(name="a", socket=ROOTLESS.socket),
            (ROOTFUL, ROOTLESS),
            "buildkitd v0.34.2 at /run/user/1000/buildkit/buildkitd.sock; as the inventory says",
        ),
    ],
)
def test_why(node: Node, engines: tuple[FoundEngine, ...], why: str) -> None:
    assert choose(node, facts(*engines)).why == why
