"""Slots leased on real OpenSSH servers, by real shells, and what becomes of them when somebody dies."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from farm.errors import BusyError, UnreachableError
from farm.inventory import Node
from farm.nodes.lease import Lease, lease
from farm.nodes.ssh.connect import connect
from farm.nodes.ssh.session import Session
from farm.report.events import Event, Warned
from tests.edge.nodes import board
from tests.edge.nodes.board import Board
from tests.edge.nodes.conftest import StartBoard
from tests.edge.nodes.openssh import send
from tests.edge.nodes.waiting import eventually, wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a server a /tmp of its own")

SHELLS = ("dash", "busybox", "bash")


@pytest.fixture
def pi4(start_board: StartBoard) -> Board:
    return start_board()


class Coordinators:
    """Connections to boards as separate coordinators have them; each ends with the test."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def session(self, to: Board, user: str = "root") -> Session:
        session = await connect(to.sshd.node(user=user))
        self._stack.push_async_callback(session.close)
        return session

    async def take(
        self, to: Board, holder: str = "somebody", *, slots: int = 1, session: Session | None = None, **options: object
    ) -> Lease:
        """A lease over a connection of its own, or over this one."""
        settings: dict[str, object] = {"wait": None, "emit": [].append, **options}
        own = session or await self.session(to)
        taken = await lease(own, to.sshd.node(slots=slots), holder=holder, **settings)  # type: ignore[arg-type]
        self._stack.push_async_callback(taken.close)
        return taken


@pytest.fixture
async def coordinators() -> AsyncIterator[Coordinators]:
    async with AsyncExitStack() as stack:
        yield Coordinators(stack)


async def refused(coordinators: Coordinators, to: Board, **options: object) -> str:
    with pytest.raises(BusyError) as busy:
        await coordinators.take(to, **options)  # type: ignore[arg-type]
    return busy.value.what


@pytest.mark.parametrize(
    ("shell", "login"),
    [("dash", None), ("busybox", None), ("bash", None), ("dash", "fish"), ("dash", "csh"), ("busybox", "bash")],
)
async def test_a_slot_is_held_named_and_given_back(
    start_board: StartBoard, coordinators: Coordinators, shell: str, login: str | None
) -> None:
    pi4 = start_board(shell=shell, **({"login": login} if login else {}))
    session = await coordinators.session(pi4)
    first = await coordinators.take(pi4, "run 7 of alice@laptop", session=session)
    assert (first.slot, first.problem) == (0, None)
    assert await refused(coordinators, pi4) == "pi4 is busy: its slot is held by run 7 of alice@laptop"
    await first.close()
    await first.close()
    assert pi4.slots() == []
    second = await coordinators.take(pi4, "run 8")
    assert second.slot == 0
    assert await refused(coordinators, pi4) == "pi4 is busy: its slot is held by run 8"
    await second.close()
    # Nothing runs on that only the lease has started.
    await eventually(lambda: {name for _, name in pi4.processes()} <= {"sshd", "sshd-session"}, seconds=2)


async def test_each_slot_once(pi4: Board, coordinators: Coordinators) -> None:
    first = await coordinators.take(pi4, "run 1", slots=2)
    second = await coordinators.take(pi4, "run 2", slots=2)
    assert (first.slot, second.slot) == (0, 1)
    assert await refused(coordinators, pi4, slots=2) == "pi4 is busy: its 2 slots are held by run 1; run 2"
    await first.close()
    assert (await coordinators.take(pi4, "run 3", slots=2)).slot == 0


async def test_two_users_of_a_node_meet(pi4: Board, coordinators: Coordinators) -> None:
    """In /tmp neither may change what the other has made there, not even root where the kernel protects files."""
    for first, second in (("root", "nobody"), ("nobody", "root")):
        held = await coordinators.take(pi4, f"run of {first}", session=await coordinators.session(pi4, first))
        session = await coordinators.session(pi4, second)
        assert await refused(coordinators, pi4, session=session) == f"pi4 is busy: its slot is held by run of {first}"
        await held.close()
        taken = await coordinators.take(pi4, f"run of {second}", session=session)
        assert taken.slot == 0
        await taken.close()
    assert pi4.slots() == []


async def test_what_a_killed_lease_of_another_user_left(pi4: Board, coordinators: Coordinators) -> None:
    root = await coordinators.session(pi4)
    await coordinators.take(pi4, "run of root", session=root)
    send(min(pid for pid, name in pi4.processes() if not name.startswith("sshd")), signal.SIGKILL)
    nobody = await coordinators.session(pi4, "nobody")
    taken = await coordinators.take(pi4, "run of nobody", session=nobody)
    assert taken.slot == 0
    assert pi4.slots() == ["farm-slot-0", "farm-slot-0.nobody", "farm-slot-0.root"]
    assert await refused(coordinators, pi4) == "pi4 is busy: its slot is held by run of nobody"


async def test_two_builds_of_one_run_share_a_connection_and_no_slot(pi4: Board, coordinators: Coordinators) -> None:
    session = await coordinators.session(pi4)
    taken = await asyncio.gather(*(coordinators.take(pi4, session=session, slots=3) for _ in range(3)))
    assert sorted(each.slot for each in taken if each.slot is not None) == [0, 1, 2]


@pytest.mark.parametrize("shell", SHELLS)
async def test_waiting_for_a_slot(start_board: StartBoard, coordinators: Coordinators, shell: str) -> None:
    pi4 = start_board(shell=shell)
    first = await coordinators.take(pi4, "run 1")
    told: list[Event] = []
    waiting = asyncio.create_task(coordinators.take(pi4, "run 2", wait=math.inf, emit=told.append))
    await asyncio.sleep(2.5)
    assert not waiting.done()
    await first.close()
    assert (await asyncio.wait_for(waiting, 4)).slot == 0
    assert told == [Warned(message="pi4: waiting for a slot: its slot is held by run 1")]


async def test_waiting_has_an_end(pi4: Board, coordinators: Coordinators) -> None:
    await coordinators.take(pi4, "run 1")
    began = time.monotonic()
    assert await refused(coordinators, pi4, wait=0.5) == "pi4 is busy: its slot is held by run 1"
    assert 0.4 < time.monotonic() - began < 3


async def test_waiting_can_be_cancelled(pi4: Board, coordinators: Coordinators) -> None:
    first = await coordinators.take(pi4, "run 1")
    waiting = asyncio.create_task(coordinators.take(pi4, "run 2", wait=math.inf))
    await asyncio.sleep(0.5)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await first.close()
    assert (await coordinators.take(pi4, "run 3")).slot == 0


async def test_who_holds_it_is_shown_as_text_and_never_run(pi4: Board, coordinators: Coordinators) -> None:
    await coordinators.take(pi4, '-it\'s "$(touch /tmp/no)" `touch /tmp/no`; \x1b[31m\nzw\\157lf ' + "x" * 300)
    what = await refused(coordinators, pi4)
    assert what.startswith(
        'pi4 is busy: its slot is held by -it\'s "$(touch /tmp/no)" `touch /tmp/no`;  [31m zw\\157lf xx'
    )
    assert len(what) < 250
    assert not is_there(pi4.tmp / "no")


def is_there(path: Path) -> bool:
    return path.exists()


COORDINATOR = """
import asyncio, sys
from pathlib import Path
from farm.inventory import Node
from farm.nodes.lease import lease
from farm.nodes.ssh.connect import connect

async def main():
    port, user, key, known_hosts = sys.argv[1:]
    node = Node(name="pi4", host="127.0.0.1", port=int(port), user=user, key=Path(key), known_hosts=Path(known_hosts))
    taken = await lease(await connect(node), node, holder="run 1", wait=None, emit=print)
    print(taken.slot, flush=True)
    await asyncio.sleep(1000)

asyncio.run(main())
"""


class Processes:
    """Coordinators that can be killed and frozen."""

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[str]] = []

    def take(self, pi4: Board, user: str = "root") -> subprocess.Popen[str]:
        sshd = pi4.sshd
        command = [sys.executable, "-c", COORDINATOR, str(sshd.port), user, str(sshd.user_key), str(sshd.known_hosts)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "0\n"
        return process


@pytest.fixture
def processes() -> Iterator[Processes]:
    others = Processes()
    yield others
    for process in others.started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.mark.parametrize("shell", SHELLS)
async def test_a_killed_coordinator_holds_nothing(
    start_board: StartBoard, coordinators: Coordinators, processes: Processes, shell: str
) -> None:
    pi4 = start_board(shell=shell)
    other = processes.take(pi4)
    assert "run 1" in await refused(coordinators, pi4)
    other.kill()
    await eventually(lambda: pi4.slots() == [], seconds=2)
    assert (await coordinators.take(pi4, "run 2")).slot == 0


async def test_a_killed_server_connection_holds_nothing(pi4: Board, coordinators: Coordinators) -> None:
    session = await coordinators.session(pi4)
    await coordinators.take(pi4, "run 1", session=session)
    [server] = [pid for pid, name in pi4.processes() if name.startswith("sshd")]
    send(server, signal.SIGKILL)
    await asyncio.wait_for(session.lost.wait(), 2)
    await eventually(lambda: pi4.slots() == [], seconds=2)


@pytest.mark.parametrize("shell", SHELLS)
async def test_a_killed_shell_frees_its_slot_and_its_watch_ends(
    start_board: StartBoard, coordinators: Coordinators, shell: str
) -> None:
    """Even what only out-of-memory killers do leaves a slot usable, and a connection alone."""
    pi4 = start_board(shell=shell)
    session = await coordinators.session(pi4)
    taken = await coordinators.take(pi4, "run 1", session=session)
    first = min(pid for pid, name in pi4.processes() if not name.startswith("sshd"))
    below = [pid for pid, name in pi4.processes() if not name.startswith("sshd")]
    send(first, signal.SIGKILL)
    again = await coordinators.take(pi4, "run 2")
    assert again.slot == 0
    # What the killed one had written does not count any more.
    assert await refused(coordinators, pi4) == "pi4 is busy: its slot is held by run 2"
    await eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in below), seconds=7)
    assert not session.lost.is_set()
    await taken.close()
    await again.close()
    assert pi4.slots() == []


async def test_a_silent_coordinator_loses_its_slot_and_its_connection(
    start_board: StartBoard, coordinators: Coordinators, processes: Processes
) -> None:
    """A frozen coordinator is to the node what a link is that is cut without a word. One that lives keeps all."""
    frozen = {shell: start_board(shell=shell) for shell in SHELLS}
    users = {"dash": "root", "busybox": "nobody", "bash": "root"}
    healthy = {shell: start_board(shell=shell) for shell in SHELLS}
    kept = {shell: await coordinators.session(pi4) for shell, pi4 in healthy.items()}
    for shell, pi4 in healthy.items():
        await coordinators.take(pi4, "run 1", session=kept[shell])
    for other in [processes.take(pi4, users[shell]) for shell, pi4 in frozen.items()]:
        other.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    ended: dict[str, float] = {}
    while len(ended) < len(SHELLS) and time.monotonic() - began < 40:
        await asyncio.sleep(0.1)
        for shell in SHELLS:
            if shell not in ended and not frozen[shell].processes():
                ended[shell] = time.monotonic() - began
    assert all(20 < seconds < 31 for seconds in ended.values()), ended
    assert set(ended) == set(SHELLS)
    for shell in SHELLS:
        assert frozen[shell].slots() == []
        assert not kept[shell].lost.is_set()
        assert "run 1" in await refused(coordinators, healthy[shell])


async def test_a_frozen_node_delays_nobody(pi4: Board, coordinators: Coordinators) -> None:
    session = await coordinators.session(pi4)
    taken = await coordinators.take(pi4, session=session)
    pi4.sshd.freeze()
    began = time.monotonic()
    await taken.close()
    await session.close()
    assert time.monotonic() - began < 2


async def test_a_lost_node_is_said_to_be_lost(pi4: Board, coordinators: Coordinators) -> None:
    session = await coordinators.session(pi4)
    await coordinators.take(pi4, "run 1")
    waiting = asyncio.create_task(coordinators.take(pi4, session=session, wait=math.inf))
    await asyncio.sleep(0.5)
    pi4.sshd.kill_connections()
    with pytest.raises(UnreachableError, match="pi4: the connection is gone"):
        await asyncio.wait_for(waiting, 4)


async def test_a_node_without_flock_builds_without_a_slot(start_board: StartBoard, coordinators: Coordinators) -> None:
    pi4 = start_board(without="flock")
    taken = await coordinators.take(pi4)
    assert taken.slot is None
    assert taken.problem == "pi4: builds of other coordinators are not seen there: it has no program flock"
    assert (await coordinators.take(pi4)).slot is None
    await taken.close()


async def test_a_server_that_starts_no_command_builds_without_a_slot(
    start_board: StartBoard, coordinators: Coordinators
) -> None:
    taken = await coordinators.take(start_board(MaxSessions="0"))
    assert taken.slot is None
    assert taken.problem is not None
    assert "its SSH server starts no command" in taken.problem
    await taken.close()


async def test_an_account_without_a_shell_builds_without_a_slot(
    start_board: StartBoard, coordinators: Coordinators
) -> None:
    taken = await coordinators.take(start_board(login="true"))
    assert taken.slot is None
    assert taken.problem == "pi4: builds of other coordinators are not seen there: its shell ran no script"


async def test_many_slots_leave_room_for_other_commands(pi4: Board, coordinators: Coordinators) -> None:
    """OpenSSH grants ten sessions on one connection."""
    session = await coordinators.session(pi4)
    taken = [await coordinators.take(pi4, session=session, slots=9) for _ in range(7)]
    assert [each.slot for each in taken] == [0, 1, 2, 3, 4, 5, None]
    assert "6 commands last already" in str(taken[6].problem)
    assert (await session.run("exec sh -s", input=b"echo still here", timeout=5)).stdout == "still here\n"
    await taken[2].close()
    assert (await coordinators.take(pi4, session=session, slots=9)).slot == 2


def plant_link(slot: Path, victim: Path) -> None:
    slot.symlink_to(victim)


def plant_pipe(slot: Path, victim: Path) -> None:
    os.mkfifo(slot)


def plant_directory(slot: Path, victim: Path) -> None:
    slot.mkdir()


def plant_dangling_link(slot: Path, victim: Path) -> None:
    victim.unlink()
    slot.symlink_to(victim)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("plant", [plant_link, plant_pipe, plant_directory, plant_dangling_link])
async def test_what_others_planted_in_tmp_is_left_alone(
    start_board: StartBoard,
    coordinators: Coordinators,
    plant: Callable[[Path, Path], None],
    shell: str,
) -> None:
    pi4 = start_board(shell=shell)
    victim = pi4.tmp / "victim"
    victim.write_text("precious")
    plant(pi4.tmp / "farm-slot-0", victim)
    taken = await coordinators.take(pi4)
    assert taken.slot is None
    assert taken.problem == "pi4: builds of other coordinators are not seen there: its /tmp holds no lock"
    # The next slot is not harmed.
    assert (await coordinators.take(pi4, slots=2)).slot == 1
    if plant is plant_dangling_link:
        assert not is_there(victim)
    else:
        assert victim.read_text() == "precious"


async def test_the_place_of_the_holders_name_is_taken(pi4: Board, coordinators: Coordinators) -> None:
    victim = pi4.tmp / "victim"
    victim.write_text("precious")
    (pi4.tmp / "farm-slot-0.root").symlink_to(victim)
    taken = await coordinators.take(pi4, "run 1")
    assert await refused(coordinators, pi4) == "pi4 is busy: its slot is held by run 1"
    await taken.close()
    (pi4.tmp / "farm-slot-0.root").mkdir()
    taken = await coordinators.take(pi4, "run 1")
    assert await refused(coordinators, pi4) == "pi4 is busy: its slot is held by somebody who does not say who it is"
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("shell", SHELLS)
async def test_a_slot_file_that_is_removed_while_it_is_being_locked(
    start_board: StartBoard, coordinators: Coordinators, tmp_path: Path, shell: str
) -> None:
    """Cleaners of /tmp and leases that end do so; a lock on a file without a name keeps nobody out."""
    pi4 = start_board(shell=shell)
    flock = pi4.tmp / "bin" / "flock"
    flock.unlink()
    flock.write_text(
        f'#!/bin/sh\n[ -e /tmp/removed ] || rm /tmp/farm-slot-0\n: >>/tmp/removed\nexec {board.found("flock")} "$@"\n'
    )
    flock.chmod(0o755)
    await coordinators.take(pi4, "run 1")
    assert is_there(pi4.tmp / "removed")
    assert "farm-slot-0" in pi4.slots()
    assert await refused(coordinators, pi4) == "pi4 is busy: its slot is held by run 1"


async def test_this_machine_leases_in_the_same_way() -> None:
    """Without a session; other builds on this machine may hold slots meanwhile, so a free one is looked for."""
    node = Node(name="here", engine="local", slots=60)
    first = await lease(None, node, holder="run 1", wait=None, emit=print)
    second = await lease(None, node, holder="run 2", wait=None, emit=print)
    assert first.slot is not None
    assert second.slot is not None
    assert first.slot != second.slot
    file = Path(f"/tmp/farm-slot-{first.slot}")
    assert is_there(file)
    await first.close()
    assert not is_there(file)
    await first.close()
    await second.close()


def test_a_killed_coordinator_holds_nothing_of_this_machine() -> None:
    code = (
        "import asyncio\nfrom farm.inventory import Node\nfrom farm.nodes.lease import lease\n"
        "async def main():\n"
        "    node = Node(name='here', engine='local', slots=60)\n"
        "    taken = await lease(None, node, holder='run 1', wait=None, emit=print)\n"
        "    print(taken.slot, flush=True)\n"
        "    await asyncio.sleep(1000)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        slot = int(process.stdout.readline())
        process.kill()
    wait_until(lambda: not Path(f"/tmp/farm-slot-{slot}").exists(), seconds=2)


@pytest.mark.parametrize("answer", ["held abc", "held 1", "held " + "9" * 5000, "open", ""])
async def test_an_answer_that_is_none_is_a_node_that_cannot_lease(
    start_board: StartBoard, coordinators: Coordinators, answer: str
) -> None:
    liar = start_board(ForceCommand=f"echo farm-lease {answer}")
    taken = await coordinators.take(liar, wait=60.0)
    assert taken.slot is None

    assert str(taken.problem).startswith("pi4: builds of other coordinators are not seen there")
