"""The probe over a real SSH connection, and on this machine itself."""

from __future__ import annotations

import asyncio
import platform
import time
from pathlib import Path

import pytest

from farm.errors import UnreachableError
from farm.inventory import Node
from farm.nodes.probe.ask import probe, probe_local
from farm.nodes.reach import reach
from farm.nodes.ssh.connect import connect
from tests.edge.nodes.conftest import StartSshd
from tests.edge.nodes.openssh import Sshd
from tests.edge.nodes.serving import hang, leave_socket, serving
from tests.edge.nodes.waiting import eventually

# What a wrapper as ForceCommand does stands for a login shell that does the same.
BANNER = "echo 'Welcome to $(hostname)!'; echo 'farm-probe begin of the day'; exec sh -c \"$SSH_ORIGINAL_COMMAND\""


async def test_a_node_and_its_buildkit(sshd: Sshd, buildkitd: Path) -> None:
    node = sshd.node(socket=str(buildkitd))
    session = await connect(node)
    facts = await probe(session, node)
    assert (facts.node, facts.machine) == ("pi4", platform.machine())
    assert facts.clock_skew == pytest.approx(0, abs=1.5)
    engine = facts.engines[0]
    assert (engine.socket, engine.problem) == (str(buildkitd), None)
    assert engine.version is not None
    assert engine.version.startswith("v0.")
    await session.close()


async def test_a_login_shell_that_talks(start_sshd: StartSshd) -> None:
    sshd = start_sshd(ForceCommand=BANNER)
    session = await connect(sshd.node())
    assert (await probe(session, sshd.node())).machine == platform.machine()
    await session.close()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("echo 'This account is currently not available.'; exit 1", "it answered 'This account is currently not"),
        ("exit 0", "it answered nothing"),
        ("exec head -c 1000 /dev/urandom", "it answered "),
        ("exec sh -s | head -n 5", "its answer was cut short"),
    ],
)
async def test_an_account_that_cannot_answer(start_sshd: StartSshd, command: str, said: str) -> None:
    sshd = start_sshd(ForceCommand=command)
    with pytest.raises(UnreachableError) as failed:
        await reach(sshd.node())
    assert failed.value.what.startswith(f"pi4: the node did not say what it is: {said}")
    assert failed.value.fix is not None
    assert "ForceCommand" in failed.value.fix
    await eventually(lambda: not sshd.connections())  # nothing stays open


async def test_a_node_that_is_silent_for_too_long(start_sshd: StartSshd) -> None:
    sshd = start_sshd(ForceCommand="exec sleep 30")
    with pytest.raises(UnreachableError, match=r"no answer to `exec sh -s` within 0\.4 s"):
        await reach(sshd.node(), probe_timeout=0.4)


async def test_a_frozen_buildkit_is_a_problem_of_the_engine_not_of_the_node(sshd: Sshd, short: Path) -> None:
    async with serving(hang, short / "frozen.sock"):
        began = time.monotonic()
        reached = await reach(sshd.node(socket=str(short / "frozen.sock")))
        assert time.monotonic() - began < 5
        assert reached.session is not None
        await reached.session.close()
    assert reached.facts.engines[0].problem == "it took the connection and did not answer within 3 s: it is frozen"


async def test_a_socket_that_nobody_listens_on(sshd: Sshd, short: Path) -> None:
    leave_socket(short / "left.sock")
    reached = await reach(sshd.node(socket=str(short / "left.sock")))
    assert reached.facts.engines[0].problem == "nobody listens there, or the SSH server allows no tunnel to it"
    assert reached.session is not None
    await reached.session.close()


async def test_this_machine_without_ssh(buildkitd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDKIT_HOST", f"unix://{buildkitd}")
    reached = await reach(Node(name="local", engine="local"))
    assert reached.session is None
    assert reached.facts.engines[0].socket == str(buildkitd)
    assert reached.facts.engines[0].problem is None
    assert reached.facts.machine == platform.machine()


async def test_this_machines_buildkit_that_is_gone(short: Path) -> None:
    facts = await probe_local(Node(name="local", engine="local", socket=str(short / "gone.sock")))
    assert facts.engines[0].problem == "it is not there"


async def test_ten_nodes_at_once(sshd: Sshd) -> None:
    """`farm nodes` promises two seconds for ten nodes; servers and coordinator share this one machine's CPUs."""
    nodes = [sshd.node(name=f"node{number}") for number in range(10)]
    began = time.monotonic()
    reached = await asyncio.gather(*(reach(node) for node in nodes))
    assert time.monotonic() - began < 2
    assert [each.facts.node for each in reached] == [node.name for node in nodes]
    for each in reached:
        assert each.session is not None
        await each.session.close()


async def test_a_cancelled_reach_leaves_no_connection(start_sshd: StartSshd) -> None:
    sshd = start_sshd(ForceCommand="exec sleep 30")
    reaching = asyncio.create_task(reach(sshd.node()))
    await eventually(lambda: len(sshd.connections()) >= 2)
    reaching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reaching
    await eventually(lambda: not any(_is_sshd(pid) for pid in sshd.connections()))


def _is_sshd(pid: int) -> bool:
    try:
        return "sshd" in Path(f"/proc/{pid}/comm").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
