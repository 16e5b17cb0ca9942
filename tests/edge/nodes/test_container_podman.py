"""BuildKit in a container of a real Podman: root's, and an ordinary user's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.errors import UnreachableError
from farm.inventory import Limits
from farm.nodes.engine.container.find import find
from farm.nodes.engine.container.settings import LABEL
from farm.nodes.engine.prospect import prospect
from lab import buildkit_image
from lab.debian_host import host as debian_host
from lab.debian_host import podman
from lab.debian_host.host import USER
from tests.edge.nodes.container_host import NAME, ContainerHost, Told, come_at_once, opened, reached, worker
from tests.edge.registry import docker_registry


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerHost]:
    registry = docker_registry.start(tmp_path_factory.mktemp("images"))
    image = buildkit_image.push(registry.domain)
    try:
        with debian_host.running("podman", podman.PACKAGES) as machine:
            machine.bring(int(registry.domain.rpartition(":")[2]))
            podman.start(machine, plain_http=[registry.domain])
            machine.let_into(podman.GROUP)
            yield ContainerHost(machine=machine, tool="podman", image=image)
    finally:
        registry.stop()


@pytest.fixture(autouse=True)
def cleared(board: ContainerHost) -> None:
    board.clear()


@pytest.fixture(scope="module")
def rootless(board: ContainerHost) -> str:
    """The socket of the user's own Podman."""
    return podman.start_rootless(board.machine)


async def test_roots_podman_keeps_one(board: ContainerHost, short: Path) -> None:
    async with reached(board.node()) as found:
        seen = await prospect(found.node, found.facts, found.session, short)
    assert (seen.engine, seen.version) == ("container", None)
    assert seen.why == (
        f"container of podman 5.4.2 at {podman.SOCKET}; Podman 5.4.2 has no BuildKit of its own; "
        f"{NAME} will be made from {board.image}"
    )
    told = Told()
    limits = Limits(memory=512 << 20, cpus=1.5, nice=10)
    async with opened(board.node(limits=limits), short, told) as endpoint:
        cache = await worker(endpoint)
    assert told.prepared == [f"Podman pulls {board.image}", f"Podman starts BuildKit in its container {NAME}"]
    assert told.warned == []
    made = board.container()
    assert made is not None
    caps = {name: made["HostConfig"][name] for name in ("Memory", "NanoCpus", "CpuShares")}
    assert caps == {"Memory": 512 << 20, "NanoCpus": 1_500_000_000, "CpuShares": 110}

    told = Told()
    async with opened(board.node(), short, told) as endpoint:
        assert await worker(endpoint) == cache
    assert "its settings are no longer those wanted" in told.prepared[0]
    assert board.id() != made["Id"]


@pytest.mark.parametrize("break_it", [f"stop --time 2 {NAME}", f"kill {NAME}", f"pause {NAME}"])
async def test_a_broken_one_is_made_anew(board: ContainerHost, short: Path, break_it: str) -> None:
    async with opened(board.node(), short) as endpoint:
        cache, made = await worker(endpoint), board.id()
    board.run(break_it)
    told = Told()
    async with opened(board.node(), short, told) as endpoint:
        assert await worker(endpoint) == cache
    assert f"makes its container {NAME} anew, with the cache that it has: " in told.prepared[0]
    assert board.id() != made


async def test_one_that_ends_as_often_as_it_is_started(board: ContainerHost, short: Path) -> None:
    async with reached(board.node()) as found:
        wanted = (await find(found.node, found.facts.engines[0], found.session)).wanted
    options = f"--detach --network host --restart always --label {LABEL}={wanted.hash}"
    board.run(f"run {options} --name {NAME} {board.image} --no")
    made = board.id()
    async with opened(board.node(), short) as endpoint:
        await worker(endpoint)
    assert board.id() != made


@pytest.mark.parametrize("before", ["none", "one that has ended"])
async def test_coordinators_that_come_at_once_make_one(board: ContainerHost, short: Path, before: str) -> None:
    if before != "none":
        async with opened(board.node(), short):
            pass
        board.run(f"kill {NAME}")

    await come_at_once(board, short, 3)


async def test_an_image_that_is_not_there(board: ContainerHost, short: Path) -> None:
    gone = board.image.rpartition(":")[0] + ":v0"
    async with reached(board.node(image=gone)) as found:
        seen = await prospect(found.node, found.facts, found.session, short)
    assert seen.why.endswith(f"{NAME} will be made from {gone}")
    with pytest.raises(UnreachableError, match=f"board: its Podman cannot pull {gone}: manifest unknown"):
        async with opened(board.node(image=gone), short):
            pass


async def test_a_users_own_podman_keeps_one_with_the_user(board: ContainerHost, rootless: str, short: Path) -> None:
    """On version 1 of control groups, as here, it can hold no limit, and takes them all without a word."""
    told = Told()
    node = board.node(socket=rootless, engine="container", limits=Limits(memory=512 << 20))
    async with opened(node, short, told) as endpoint:
        await worker(endpoint)
    assert board.machine.run(f"stat -c %U /run/user/1000/{NAME}/buildkitd.sock") == f"{USER}\n"
    assert board.container() is None  # root's has none
    has_limits = board.machine.path("/sys/fs/cgroup/cgroup.controllers").exists()
    assert bool(told.warned) is not has_limits
    if not has_limits:
        assert told.warned[0].startswith("board: nothing holds the limits `memory` there (container of podman 5.4.2")


async def test_whoever_may_not_use_roots_gets_the_users_own(board: ContainerHost, rootless: str, short: Path) -> None:
    board.machine.run(f"gpasswd --delete {USER} {podman.GROUP}")
    try:
        async with reached(board.node()) as found:
            seen = await prospect(found.node, found.facts, found.session, short)
    finally:
        board.machine.let_into(podman.GROUP)
    assert seen.why.startswith(f"container of podman 5.4.2 at {rootless}; podman at {podman.SOCKET} is of no use: ")
