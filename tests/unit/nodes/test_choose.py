"""Which of a node's engines is used, and what is said when none can be."""

from __future__ import annotations

import pytest

from farm.errors import Exit, FarmError
from farm.inventory import Limits, Node
from farm.nodes.engine.choose import choose
from farm.nodes.facts import Facts, FoundEngine
from tests.unit.facts_of import facts

ROOTFUL = FoundEngine(engine="buildkitd", socket="/run/buildkit/buildkitd.sock", version="v0.34.2")
ROOTLESS = FoundEngine(engine="buildkitd", socket="/run/user/1000/buildkit/buildkitd.sock", version="v0.34.2")
DENIED = FoundEngine(
    engine="buildkitd", socket=ROOTFUL.socket, problem="pi may not use it", fix="join the group", denied=True
)
DOCKER = FoundEngine(engine="docker", socket="/var/run/docker.sock", version="26.1.5")
STORE = FoundEngine(engine="docker", socket="/var/run/docker.sock", version="29.7.2", runs_containers=True)
OLD_STORE = FoundEngine(
    engine="docker",
    socket="/var/run/docker.sock",
    version="26.1.5",
    problem="its store is old",
    fix="switch the new one on; images are hidden",
    denied=True,
    runs_containers=True,
)
PODMAN = FoundEngine(
    engine="podman",
    socket="/run/podman/podman.sock",
    version="5.4.2",
    problem="Podman has no BuildKit",
    fix="write it",
    denied=True,
    runs_containers=True,
)
FROZEN = FoundEngine(engine="buildkitd", socket=ROOTFUL.socket, problem="it is frozen", fix="restart it")


def found(*engines: FoundEngine) -> Facts:
    return facts(engines=engines)


def chosen(node: Node, *engines: FoundEngine) -> FoundEngine:
    return choose(node, found(*engines)).engine


def refusal(node: Node, *engines: FoundEngine) -> FarmError:
    with pytest.raises(FarmError) as refused:
        choose(node, found(*engines))
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
    assert error.fix == "`farm provision pi4` installs one; if it is there, set `socket:` to where it listens"


@pytest.mark.parametrize("engine", [ROOTFUL, DOCKER])
def test_this_machine_takes_what_it_has(engine: FoundEngine) -> None:
    assert chosen(Node(name="local", engine="local"), engine) is engine


def test_no_engine_at_all() -> None:
    error = refusal(Node(name="pi4"))
    assert error.what == "pi4: no buildkitd, docker or podman was found on the node"
    assert error.fix == "`farm provision pi4` installs one; if it is there, set `socket:` to where it listens"
    assert error.exit_code == Exit.UNREACHABLE


def test_no_engine_on_this_machine_and_no_boards_either() -> None:
    error = refusal(Node(name="local", engine="local"))
    assert error.what == "local: no buildkitd, docker or podman was found on this machine"
    todo = "install and start buildkitd, docker or podman there, or list your boards in inventory.yaml (`farm init`)"
    assert error.fix == todo


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
    assert choose(node, found(*engines)).why == why


@pytest.mark.parametrize(
    ("node", "engines", "kind", "why"),
    [
        (
            Node(name="a"),
            (OLD_STORE, PODMAN),
            "container",
            "container of docker 26.1.5 at /var/run/docker.sock; its store is old (switch the new one on)",
        ),
        (
            Node(name="a"),
            (FROZEN, PODMAN),
            "container",
            (
                "container of podman 5.4.2 at /run/podman/podman.sock; "
                "buildkitd at /run/buildkit/buildkitd.sock is of no use: it is frozen; Podman has no BuildKit"
            ),
        ),
        (Node(name="a"), (ROOTFUL, PODMAN), "buildkitd", "buildkitd v0.34.2 at /run/buildkit/buildkitd.sock"),
        (Node(name="a"), (STORE, PODMAN), "docker", "docker 29.7.2 at /var/run/docker.sock; no buildkitd there"),
        (
            Node(name="a", limits=Limits(memory=1 << 30)),
            (STORE,),
            "container",
            (
                "container of docker 29.7.2 at /var/run/docker.sock; "
                "its own BuildKit cannot hold the node's limits for all builds together"
            ),
        ),
        (
            Node(name="a", limits=Limits(memory=1 << 30)),
            (ROOTFUL, STORE),
            "buildkitd",
            "buildkitd v0.34.2 at /run/buildkit/buildkitd.sock",
        ),
        (
            Node(name="a", engine="docker", limits=Limits(memory=1 << 30)),
            (STORE,),
            "docker",
            "docker 29.7.2 at /var/run/docker.sock; as the inventory says",
        ),
        (
            Node(name="a", engine="container"),
            (ROOTFUL, STORE, PODMAN),
            "container",
            "container of docker 29.7.2 at /var/run/docker.sock; as the inventory says",
        ),
        (
            Node(name="a", engine="container", socket=PODMAN.socket),
            (STORE, PODMAN),
            "container",
            "container of podman 5.4.2 at /run/podman/podman.sock; Podman has no BuildKit",
        ),
        (
            Node(name="local", engine="local"),
            (PODMAN,),
            "container",
            "container of podman 5.4.2 at /run/podman/podman.sock; Podman has no BuildKit",
        ),
    ],
)
def test_a_container_where_nothing_else_will_do(
    node: Node, engines: tuple[FoundEngine, ...], kind: str, why: str
) -> None:
    choice = choose(node, found(*engines))
    assert (choice.kind, choice.why) == (kind, why)


def test_an_engine_that_is_not_up_runs_no_container() -> None:
    down = FoundEngine(engine="docker", socket=DOCKER.socket, problem="it is not there", fix="start dockerd")
    error = refusal(Node(name="pi4", engine="container"), ROOTFUL, down)
    assert error.what == "pi4: Docker cannot be used at /var/run/docker.sock: it is not there"
    assert error.fix == "start dockerd"
    error = refusal(Node(name="pi4", engine="container"), ROOTFUL)
    assert error.what == "pi4: no docker or podman was found on the node"


def test_old_docker_pinned_says_how_to_mend_it() -> None:
    error = refusal(Node(name="pi4", engine="docker"), OLD_STORE)
    assert error.fix == "switch the new one on; images are hidden"
    assert error.exit_code == Exit.REFUSED
