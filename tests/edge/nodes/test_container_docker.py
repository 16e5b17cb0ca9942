"""BuildKit in a container of a real Docker Engine that keeps images in its old store."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest

from farm.errors import BusyError, FarmError, RefusedError, UnreachableError, UsageError
from farm.inventory import Limits, Registry
from farm.nodes.engine.container import keep
from farm.nodes.engine.container.find import find
from farm.nodes.engine.container.settings import LABEL
from farm.nodes.engine.endpoint import open_endpoint
from farm.nodes.engine.prospect import prospect
from farm.nodes.lease import lease
from lab import buildkit_image
from lab.debian_host import docker, tree
from lab.debian_host import host as debian_host
from tests.edge.nodes.container_host import NAME, ContainerHost, Told, come_at_once, opened, reached, worker
from tests.edge.registry import docker_registry

LOGIN = ("pi", "raspberry-secret")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The like of moby/buildkit in a registry for everybody, and in one that wants a login."""
    folder = tmp_path_factory.mktemp("images")
    running = docker_registry.start(folder)
    image = buildkit_image.push(running.domain)
    hashed = bcrypt.hashpw(LOGIN[1].encode(), bcrypt.gensalt(5)).decode()
    (folder / "htpasswd").write_text(f"{LOGIN[0]}:{hashed}\n")
    guarded = docker_registry.start(folder, auth=f"{{htpasswd: {{realm: home, path: '{folder}/htpasswd'}}}}")
    yield image, image.replace(running.domain, guarded.domain)
    running.stop()
    guarded.stop()


@pytest.fixture(scope="module")
def board(images: tuple[str, str]) -> Iterator[ContainerHost]:
    with debian_host.running("old-docker", tree.DOCKER) as machine:
        for image in images:
            machine.bring(int(image.partition("/")[0].rpartition(":")[2]))
        docker.start(machine, image_store=False)
        machine.let_into("docker")
        yield ContainerHost(machine=machine, tool="docker", image=images[0])


@pytest.fixture(autouse=True)
def cleared(board: ContainerHost) -> None:
    board.clear()


async def refusal(board: ContainerHost, directory: Path, **changes: object) -> FarmError:
    with pytest.raises(FarmError) as refused:
        async with opened(board.node(**changes), directory):
            pass
    return refused.value


async def test_it_is_made_when_a_build_needs_it_and_not_before(board: ContainerHost, short: Path) -> None:
    board.run("image prune --all --force")
    async with reached(board.node()) as found:
        seen = await prospect(found.node, found.facts, found.session, short)
    assert (seen.engine, seen.version) == ("container", None)
    assert seen.why.endswith(f"{NAME} will be made from {board.image}")
    assert "keeps images in its old store (overlay2)" in seen.why
    assert '"features": {"containerd-snapshotter": true} into /etc/docker/daemon.json' in seen.why
    assert board.container() is None

    told = Told()
    async with opened(board.node(), short, told) as endpoint:
        assert (endpoint.engine, endpoint.output_attributes, endpoint.resources) == ("container", (), ())
        assert endpoint.version == board.image.rpartition(":")[2]
        await worker(endpoint)
    assert told.prepared == [f"Docker pulls {board.image}", f"Docker starts BuildKit in its container {NAME}"]
    assert told.warned == []
    made = board.container()
    assert made is not None
    assert made["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    assert board.machine.run(f"stat -c '%U %G %a' /run/{NAME}/buildkitd.sock").split() == ["root", "docker", "660"]

    again = Told()
    async with opened(board.node(), short, again):
        assert board.id() == made["Id"]
    assert (again.prepared, again.warned) == ([], [])
    async with reached(board.node()) as found:
        seen = await prospect(found.node, found.facts, found.session, short)
    assert (seen.version, seen.why.rpartition("; ")[2]) == (endpoint.version, f"{NAME} runs there")


async def test_other_settings_make_another_container_around_the_same_cache(board: ContainerHost, short: Path) -> None:
    async with opened(board.node(), short) as endpoint:
        cache, first = await worker(endpoint), board.id()
    limits = Limits(memory=512 << 20, cpus=1.5, nice=10, parallel=1)
    async with reached(board.node(limits=limits)) as found:
        seen = await prospect(found.node, found.facts, found.session, short)
    assert seen.why.endswith(f"{NAME} will be made anew: its settings are no longer those wanted")
    assert board.id() == first

    told = Told()
    async with opened(board.node(limits=limits), short, told) as endpoint:
        assert await worker(endpoint) == cache
    assert told.prepared == [
        f"Docker makes its container {NAME} anew, with the cache that it has: its settings are no longer those wanted",
        f"Docker starts BuildKit in its container {NAME}",
    ]
    made = board.container()
    assert made is not None
    assert made["Id"] != first
    caps = {name: made["HostConfig"][name] for name in ("Memory", "NanoCpus", "CpuShares")}
    assert caps == {"Memory": 512 << 20, "NanoCpus": 1_500_000_000, "CpuShares": 110}
    assert "max-parallelism = 1" in board.run(f"cp {NAME}:/etc/buildkit/buildkitd.toml - | tar -xO")


@pytest.mark.parametrize(
    ("break_it", "flaw"),
    [
        (f"docker stop {NAME}", "it does not run (it is exited, exit code 1)"),
        (f"docker kill {NAME}", "it does not run (it is exited, exit code 137)"),
        (f"docker pause {NAME}", "somebody has paused it"),
        ("pkill -STOP -x buildkitd", "its BuildKit does not answer"),
    ],
)
async def test_a_broken_one_is_made_anew(board: ContainerHost, short: Path, break_it: str, flaw: str) -> None:
    async with opened(board.node(), short) as endpoint:
        cache = await worker(endpoint)
    board.machine.run(break_it)
    told = Told()
    async with opened(board.node(), short, told) as endpoint:
        assert await worker(endpoint) == cache
    assert told.prepared[0].endswith(f"with the cache that it has: {flaw}")


async def test_one_whose_buildkit_is_killed_comes_back_by_itself(board: ContainerHost, short: Path) -> None:
    async with opened(board.node(), short):
        made = board.id()
    board.machine.run("pkill -KILL -x buildkitd")
    told = Told()
    async with opened(board.node(), short, told):
        assert board.id() == made
    assert told.prepared == []


async def test_one_that_ends_as_often_as_it_is_started(board: ContainerHost, short: Path) -> None:
    async with reached(board.node()) as found:
        wanted = (await find(found.node, found.facts.engines[0], found.session)).wanted
    options = f"--detach --restart always --label {LABEL}={wanted.hash}"
    board.run(f"run {options} --name {NAME} {board.image} --no")
    told = Told()
    async with opened(board.node(), short, told) as endpoint:
        await worker(endpoint)
    assert f"{NAME} anew" in told.prepared[0]


async def test_what_cannot_start_says_why_in_its_own_words(board: ContainerHost, short: Path) -> None:
    # An image that is there, with a BuildKit that cannot keep its cache where it is told to.
    dockerfile = f'FROM {board.image}\nENTRYPOINT ["buildkitd", "--root", "/proc/no"]\n'
    board.machine.path("/tmp/Dockerfile").write_text(dockerfile)
    board.machine.run("DOCKER_BUILDKIT=0 docker build --tag home.lan/other:1 - </tmp/Dockerfile >/dev/null 2>&1")
    error = await refusal(board, short, image="home.lan/other:1")
    assert isinstance(error, UnreachableError)
    assert error.what == f"board: BuildKit was started in its container {NAME} and does not answer"
    assert error.fix == f"look at what it says there: docker logs {NAME}"
    assert error.details
    assert all(line.startswith("buildkitd: mkdir /proc/no: no such file") for line in error.details)


async def test_nobodys_build_is_taken_away(board: ContainerHost, short: Path) -> None:
    async with opened(board.node(), short):
        made = board.id()
    changed = board.node(limits=Limits(parallel=1))
    async with reached(board.node()) as other:
        held = await lease(other.session, other.node, holder="run of somebody", wait=None, emit=Told())
        try:
            told = Told()
            async with opened(changed, short, told):
                assert board.id() == made
            assert told.prepared == []
            (warning,) = told.warned
            assert warning == (
                "board: its settings are no longer those wanted; used as it is, for board is busy: its slot is held by "
                "run of somebody"
            )
            board.machine.run("pkill -STOP -x buildkitd")
            with pytest.raises(BusyError, match="BuildKit in its container does not answer, and board is busy"):
                async with opened(changed, short):
                    pass
            assert board.id() == made
        finally:
            board.machine.run("pkill -CONT -x buildkitd")
            await held.close()
    async with opened(changed, short):
        assert board.id() != made


@pytest.mark.parametrize("before", ["none", "one that has ended"])
async def test_coordinators_that_come_at_once_make_one(board: ContainerHost, short: Path, before: str) -> None:
    if before != "none":
        async with opened(board.node(), short):
            pass
        board.run(f"kill {NAME}")

    await come_at_once(board, short, 4)


async def test_a_registry_that_wants_a_login_gets_the_coordinators_and_the_node_keeps_none(
    board: ContainerHost, images: tuple[str, str], short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    refused = await refusal(board, short, image=images[1])
    domain = images[1].partition("/")[0]
    assert isinstance(refused, RefusedError)
    assert f"its Docker cannot pull {images[1]}: " in refused.what
    assert "no basic auth credentials" in refused.what
    assert refused.fix == f"run: docker login {domain}"

    pair = base64.b64encode(f"{LOGIN[0]}:wrong".encode()).decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {domain: {"auth": pair}}}))
    refused = await refusal(board, short, image=images[1])
    assert isinstance(refused, RefusedError)
    assert f"cannot pull {images[1]} with this machine's login for {domain}: " in refused.what

    pair = base64.b64encode(":".join(LOGIN).encode()).decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {domain: {"auth": pair}}}))
    async with opened(board.node(image=images[1]), short) as endpoint:
        await worker(endpoint)
    kept = f"grep -rIl -e '{LOGIN[1]}' -e '{pair}' /etc /home /root /run /tmp /var/lib/docker --exclude-dir=overlay2"
    assert board.machine.run(f"{kept} 2>/dev/null", check=False) == ""


async def test_an_image_that_cannot_be_had_costs_nobody_the_container_that_there_is(
    board: ContainerHost, short: Path
) -> None:
    async with opened(board.node(), short):
        made = board.id()
    gone = board.image.rpartition(":")[0] + ":v0"
    error = await refusal(board, short, image=gone)
    assert isinstance(error, UnreachableError)
    assert f"board: its Docker cannot pull {gone}: manifest for {gone} not found" in error.what
    assert error.fix == "pull it on the node by hand, or name one with `image:` that Docker there can reach"
    assert board.id() == made


async def test_limits_that_the_kernel_cannot_hold_are_told_each_time(board: ContainerHost, short: Path) -> None:
    for _ in range(2):
        told = Told()
        async with opened(board.node(limits=Limits(io="idle", nice=5)), short, told):
            pass
        assert len(told.warned) == 1
        assert told.warned[0].startswith("board: nothing holds the limits `io` there (container of docker 26.1.5")


async def test_what_the_inventory_names_reaches_no_shell(board: ContainerHost, short: Path) -> None:
    odd = "/run/a b; touch $(echo hit); '\"`.sock"
    board.machine.path(odd).symlink_to("/run/docker.sock")
    async with opened(board.node(engine="container", socket=odd), short) as endpoint:
        await worker(endpoint)
    assert board.machine.run("find / -xdev -name hit 2>/dev/null; ls ~pi") == ""
    assert board.machine.run(f"stat -c %G /run/{NAME}/buildkitd.sock") == "docker\n"


async def test_a_ca_that_cannot_be_read_is_told_before_anything_is_made(board: ContainerHost, short: Path) -> None:
    gone = short / "gone.pem"
    error = await refusal(board, short, registries={"reg.lan": Registry(ca=gone)})
    assert isinstance(error, UsageError)
    assert error.what == f"the CA file {gone} cannot be used: No such file or directory"
    assert board.container() is None


async def test_a_ca_and_a_proxy_arrive_in_the_container(board: ContainerHost, short: Path) -> None:
    (short / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    registries = {**board.node().registries, "reg.lan:5000": Registry(ca=short / "ca.pem")}
    async with opened(board.node(registries=registries), short):
        toml = board.run(f"cp {NAME}:/etc/buildkit/buildkitd.toml - | tar -xO")
        assert 'ca = [\n    "/etc/buildkit/certs/reg.lan_5000.pem",\n]' in toml
        copied = board.run(f"cp {NAME}:/etc/buildkit/certs/reg.lan_5000.pem - | tar -xO")
        assert copied == "-----BEGIN CERTIFICATE-----\n"


async def test_a_docker_that_freezes_while_it_is_asked_is_not_waited_for(board: ContainerHost, short: Path) -> None:
    async with reached(board.node()) as found:
        board.machine.run("pkill -STOP -x dockerd")
        try:
            with pytest.raises(UnreachableError, match="it did not answer `GET /info` in time") as error:
                await open_endpoint(found.node, found.facts, found.session, short)
        finally:
            board.machine.run("pkill -CONT -x dockerd")
    assert error.value.fix == "restart Docker on the node and look into its log"


async def test_with_the_image_store_on_a_container_is_used_where_it_is_asked_for_or_limits_must_hold(
    board: ContainerHost, short: Path
) -> None:
    await asyncio.to_thread(docker.start, board.machine, image_store=True)
    told = Told()
    limits = Limits(memory=1 << 30, parallel=1)
    try:
        chosen = []
        for changes in ({}, {"limits": limits}, {"engine": "container"}):
            async with opened(board.node(**changes), short) as endpoint:
                chosen.append((endpoint.engine, endpoint.why.rpartition("; ")[2]))
        board.clear()
        async with opened(board.node(engine="docker", limits=limits), short, told) as endpoint:
            assert endpoint.resources == ()
    finally:
        await asyncio.to_thread(docker.start, board.machine, image_store=False)
    assert chosen == [
        ("docker", "no buildkitd there"),
        ("container", "its own BuildKit cannot hold the node's limits for all builds together"),
        ("container", "as the inventory says"),
    ]
    # The BuildKit in this Docker is too old to be told any.
    (warning,) = told.warned
    assert warning.startswith("board: nothing holds the limits `memory` and `parallel` there (docker 26.1.5")
    assert warning.endswith("`engine: container` holds them, and a buildkitd of `farm provision`")


async def test_looking_changes_nothing_at_a_broken_one(board: ContainerHost, short: Path) -> None:
    async with opened(board.node(), short):
        made = board.id()
    board.run(f"stop {NAME}")
    async with reached(board.node()) as found:
        container = await find(found.node, found.facts.engines[0], found.session)
        kept, words = await keep.look(container)
    assert kept is None
    assert words == f"{NAME} will be made anew: it does not run (it is exited, exit code 1)"
    assert board.id() == made
