"""Docker Engine as a node's BuildKit: the real one of Debian 13, on a machine of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from farm.errors import Exit, FarmError
from farm.inventory import Limits, Node
from farm.nodes.engine import docker_api, liveness
from farm.nodes.engine.endpoint import Endpoint, open_endpoint
from farm.nodes.engine.info_call import NotBuildKitError
from farm.nodes.facts import FoundEngine
from farm.nodes.reach import Reached, reach
from farm.report.events import Event, Warned
from lab.debian_host import docker, tree
from lab.debian_host import host as debian_host
from lab.debian_host.host import USER, Host
from tests.edge.nodes.waiting import eventually

BUILDCTL = Path(sys.executable).with_name("buildctl")


@pytest.fixture(scope="module")
def machine() -> Iterator[Host]:
    """With Docker's package, and no Docker running yet."""
    with debian_host.running("deb13", tree.DOCKER) as made:
        yield made


@pytest.fixture(scope="module")
def engine(machine: Host) -> Host:
    """Docker with the containerd image store; the login may use it."""
    docker.start(machine, image_store=True)
    machine.let_into("docker")
    return machine


def node(machine: Host, **changes: object) -> Node:
    fields: dict[str, object] = {
        "name": "deb13",
        "host": machine.address,
        "user": USER,
        "key": machine.key,
        "known_hosts": machine.known_hosts,
    }
    return Node(**{**fields, **changes})  # type: ignore[arg-type]  # a test changes one field at a time


@pytest.fixture
async def reached(engine: Host) -> AsyncIterator[Reached]:
    found = await reach(node(engine))
    yield found
    await close(found)


async def close(reached: Reached) -> None:
    assert reached.session is not None
    await reached.session.close()


async def opened(reached: Reached, directory: Path) -> Endpoint:
    return await open_endpoint(reached.node, reached.facts, reached.session, directory)


async def refusal(machine: Host, directory: Path, **changes: object) -> FarmError:
    found = await reach(node(machine, **changes))
    with pytest.raises(FarmError) as refused:
        await opened(found, directory)
    await close(found)
    return refused.value


async def buildctl(socket: Path, *arguments: str) -> str:
    """What a real client of BuildKit prints."""
    process = await asyncio.create_subprocess_exec(
        BUILDCTL,
        *("--addr", f"unix://{socket}", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


def sockets() -> list[str]:
    """The sockets that this process holds."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        # The directory's own descriptor is gone when it is looked at.
        with contextlib.suppress(FileNotFoundError):
            found.append(str(link.readlink()))
    return [target for target in found if target.startswith("socket:")]


async def test_a_real_client_speaks_to_the_buildkit_in_docker(reached: Reached, short: Path) -> None:
    endpoint = await opened(reached, short)
    assert (endpoint.node, endpoint.engine, endpoint.socket) == ("deb13", "docker", short / "deb13.sock")
    assert endpoint.version.startswith("26.1.5")
    assert endpoint.why == f"docker {endpoint.version} at /var/run/docker.sock; no buildkitd there"
    assert endpoint.output_attributes == (("store", "false"),)
    workers = await buildctl(endpoint.socket, "debug", "workers", "--verbose")
    assert "org.mobyproject.buildkit.worker.hostname:\t\tdeb13" in workers
    await endpoint.close()
    assert not endpoint.socket.exists()


async def test_nothing_is_left_of_an_endpoint_that_is_closed_in_the_middle(reached: Reached, short: Path) -> None:
    tasks, before = asyncio.all_tasks(), len(sockets())
    endpoint = await opened(reached, short)
    clients = [await asyncio.open_unix_connection(str(endpoint.socket)) for _ in range(20)]
    assert await liveness.alive(endpoint.socket)
    await endpoint.close()
    for reader, writer in clients:
        assert await asyncio.wait_for(_rest(reader), 2) is not None
        writer.close()
    await eventually(lambda: len(sockets()) == before)
    await eventually(lambda: asyncio.all_tasks() == tasks)
    await endpoint.close()


async def _rest(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


async def test_clients_that_come_and_go_leave_nothing(reached: Reached, short: Path) -> None:
    tasks, before = asyncio.all_tasks(), len(sockets())
    endpoint = await opened(reached, short)
    assert all(await asyncio.gather(*(liveness.alive(endpoint.socket) for _ in range(30))))
    await eventually(lambda: len(sockets()) == before + 1)  # the one that listens
    await eventually(lambda: asyncio.all_tasks() == tasks)
    await endpoint.close()


async def test_no_faster_than_the_engine_takes_it(engine: Host, reached: Reached, short: Path) -> None:
    """A frozen engine must not make farm hold a whole context in memory."""
    endpoint = await opened(reached, short)
    reader, writer = await asyncio.open_unix_connection(str(endpoint.socket))
    assert await asyncio.wait_for(reader.read(9), 5)  # the engine's first frame: the upgrade is done
    engine.run("pkill -STOP -x dockerd")
    try:
        sent = await _until_it_stalls(writer, most=64 << 20)
        # SSH's window of 2 MiB, and some buffers.
        assert 1 << 20 < sent < 12 << 20
    finally:
        engine.run("pkill -CONT -x dockerd")
    writer.transport.abort()
    await endpoint.close()


async def _until_it_stalls(writer: asyncio.StreamWriter, *, most: int) -> int:
    """How many bytes are taken before nothing is taken for a second."""
    sent = 0
    with contextlib.suppress(TimeoutError):
        while sent < most:
            writer.write(bytes(1 << 16))
            async with asyncio.timeout(1):
                await writer.drain()
            sent += 1 << 16
    return sent


async def test_a_context_arrives_whole(engine: Host, reached: Reached, short: Path, tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    (context / "data").write_bytes(os.urandom(24 << 20))
    (context / "Dockerfile").write_text("FROM scratch\nCOPY data /\n")
    endpoint = await opened(reached, short)
    await buildctl(
        endpoint.socket,
        *("build", "--frontend", "dockerfile.v0", "--local", f"context={context}", "--local", f"dockerfile={context}"),
        *("--output", f"type=local,dest={tmp_path / 'out'}"),
    )
    assert (tmp_path / "out" / "data").read_bytes() == (context / "data").read_bytes()
    await endpoint.close()


async def test_a_lost_link_ends_what_runs_through_it_at_once(engine: Host, reached: Reached, short: Path) -> None:
    endpoint = await opened(reached, short)
    reader, writer = await asyncio.open_unix_connection(str(endpoint.socket))
    assert await asyncio.wait_for(reader.read(9), 5)
    await asyncio.to_thread(engine.run, f"pkill -KILL -u {USER} sshd")
    assert reached.session is not None
    await asyncio.wait_for(reached.session.lost.wait(), 2)
    await asyncio.wait_for(_rest(reader), 2)
    assert not await liveness.alive(endpoint.socket)
    writer.close()
    await endpoint.close()


async def test_an_engine_that_is_restarted_is_found_again(engine: Host, reached: Reached, short: Path) -> None:
    endpoint = await opened(reached, short)
    await asyncio.to_thread(docker.stop, engine)
    assert not await liveness.alive(endpoint.socket)
    error = await refusal(engine, short)
    assert error.what == "deb13: Docker cannot be used at /var/run/docker.sock: it is not there"
    assert error.fix == "start dockerd on the node, or correct `socket:`"
    assert error.exit_code is Exit.UNREACHABLE
    await asyncio.to_thread(docker.start, engine, image_store=True)
    assert await liveness.alive(endpoint.socket)
    await endpoint.close()


async def test_a_frozen_engine_is_said_to_be_frozen(engine: Host, short: Path) -> None:
    engine.run("pkill -STOP -x dockerd")
    try:
        error = await refusal(engine, short)
    finally:
        engine.run("pkill -CONT -x dockerd")
    assert error.what.endswith("it took the connection and did not answer within 3 s: it is frozen")
    assert error.fix == "restart Docker on the node and look into its log"


async def test_without_the_image_store_it_is_refused_and_the_switch_is_named(engine: Host, short: Path) -> None:
    await asyncio.to_thread(docker.start, engine, image_store=False)
    try:
        error = await refusal(engine, short, engine="docker")
    finally:
        await asyncio.to_thread(docker.start, engine, image_store=True)
    assert "keeps images in its old store (overlay2), out of which BuildKit cannot push" in error.what
    assert error.fix is not None
    assert '"features": {"containerd-snapshotter": true} into /etc/docker/daemon.json' in error.fix
    assert "hidden" in error.fix
    assert error.exit_code is Exit.REFUSED


async def test_a_user_outside_the_group_is_told_which_to_join(engine: Host, short: Path) -> None:
    engine.run(f"gpasswd --delete {USER} docker")
    try:
        error = await refusal(engine, short)
    finally:
        engine.let_into("docker")
    assert error.what == f"deb13: Docker cannot be used at /var/run/docker.sock: {USER} may not use it"
    assert error.fix == f"add {USER} to the group that owns /var/run/docker.sock: sudo usermod -aG docker {USER}"
    assert error.exit_code is Exit.REFUSED


@pytest.fixture
async def beside(engine: Host) -> AsyncIterator[Host]:
    """The same machine with a buildkitd of its own, too."""
    shutil.copy(BUILDCTL.with_name("buildkitd").resolve(), engine.path("/usr/local/bin/buildkitd"))
    engine.start(f"buildkitd --group {USER}", "/var/log/buildkitd.log")
    try:
        await eventually(lambda: engine.path("/run/buildkit/buildkitd.sock").exists())
        yield engine
    finally:
        engine.run("pkill -x buildkitd; while pgrep -x buildkitd; do sleep 0.1; done; rm /usr/local/bin/buildkitd")


async def test_a_buildkitd_beside_it_comes_first_unless_the_inventory_says_otherwise(beside: Host, short: Path) -> None:
    chosen = []
    for name in ("auto", "docker", "buildkitd"):
        found = await reach(node(beside, engine=name))
        endpoint = await opened(found, short)
        chosen.append((endpoint.engine, endpoint.why.partition("; ")[2]))
        await endpoint.close()
        await close(found)
    assert chosen == [("buildkitd", ""), ("docker", "as the inventory says"), ("buildkitd", "as the inventory says")]


async def test_limits_are_told_to_each_step_unless_the_units_of_farm_hold_them(beside: Host, short: Path) -> None:
    unit = "/etc/systemd/system/buildkit.service"
    told = []
    for text in ("# By hand.", "# Written by farm provision."):
        beside.run(f"mkdir -p /etc/systemd/system && echo '{text}' >{unit}")
        found = await reach(node(beside, limits=Limits(memory=1 << 30, parallel=2)))
        events: list[Event] = []
        endpoint = await open_endpoint(found.node, found.facts, found.session, short, emit=events.append)
        told.append((endpoint.resources, [event.message for event in events if isinstance(event, Warned)]))
        await endpoint.close()
        await close(found)
    beside.run(f"rm {unit}")
    by_hand, by_farm = told
    assert by_hand[0] == ("memory=1073741824",)
    assert by_hand[1] == [
        (
            f"deb13: nothing holds the limits `parallel` there ({endpoint.why}); "
            "`engine: container` holds them, and a buildkitd of `farm provision`"
        )
    ]
    assert by_farm == ((), [])


@pytest.mark.parametrize("name", ["auto", "docker"])
async def test_a_socket_in_the_inventory_is_known_for_dockers(engine: Host, short: Path, name: str) -> None:
    elsewhere = "/srv/docker.sock"
    engine.run(f"ln -sf /run/docker.sock {elsewhere}")
    found = await reach(node(engine, engine=name, socket=elsewhere))
    endpoint = await opened(found, short)
    assert (endpoint.engine, endpoint.output_attributes) == ("docker", (("store", "false"),))
    await endpoint.close()
    await close(found)


async def test_a_socket_in_the_inventory_that_is_not_there(engine: Host, short: Path) -> None:
    error = await refusal(engine, short, engine="docker", socket="/srv/gone.sock")
    assert error.what == "deb13: Docker cannot be used at /srv/gone.sock: it is not there"
    assert error.fix == "start dockerd on the node, or correct `socket:`"


@pytest.mark.parametrize("variable", ["DOCKER_HOST", "inventory"])
async def test_docker_on_this_machine(
    engine: Host, short: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Seen from here, the other machine's socket is a file like any other."""
    own = engine.path("/run/docker.sock")
    if variable == "DOCKER_HOST":
        monkeypatch.setenv("DOCKER_HOST", f"unix://{own}")
        found = await reach(Node(name="local", engine="local"))
        # This machine may have a BuildKit or a Docker of its own.
        engines = tuple(each for each in found.facts.engines if each.socket == str(own))
        found = replace(found, facts=replace(found.facts, engines=engines))
    else:
        found = await reach(Node(name="local", engine="local", socket=str(own)))
    endpoint = await opened(found, short)
    assert (endpoint.engine, endpoint.socket) == ("docker", short / "local.sock")
    assert "deb13" in await buildctl(endpoint.socket, "debug", "workers", "--verbose")
    await endpoint.close()
    assert own.exists()


async def test_a_socket_that_speaks_buildkit_at_once_is_used_as_it_is(buildkitd: Path, short: Path) -> None:
    """As Docker's does from 29.2 on; here it is buildkitd's own."""
    found = await reach(Node(name="local", engine="local", socket=str(buildkitd)))
    new = FoundEngine(engine="docker", socket=str(buildkitd), version="29.2.0")
    endpoint = await open_endpoint(found.node, replace(found.facts, engines=(new,)), None, short)
    assert (endpoint.engine, endpoint.version, endpoint.socket) == ("docker", "29.2.0", buildkitd)
    await endpoint.close()
    assert await liveness.alive(buildkitd)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "it answers HTTP, but not as a Docker Engine does"),
        (b'HTTP/1.1 403 No\r\n\r\n{"message": "not you"}', "it answers with HTTP status 403: not you"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (2 << 20), "its answer has no end"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{", "it does not speak HTTP"),
        (b"220 mail.example ESMTP\r\n\r\n", "it does not speak HTTP"),
        (b"", "it closed the connection without an HTTP answer"),
    ],
)
async def test_what_is_no_docker(short: Path, answer: bytes, words: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)
        writer.write(answer)
        writer.close()

    found = FoundEngine(engine="docker", socket=str(short / "s"))
    async with await asyncio.start_unix_server(serve, short / "s"):
        with pytest.raises(NotBuildKitError) as refused:
            await docker_api.ask(found, await liveness.dial(short / "s"), within=5)
    assert str(refused.value) == words
