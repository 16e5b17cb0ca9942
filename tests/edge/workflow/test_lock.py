"""Locks of image references between real processes."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path

import pytest

from farm.errors import BusyError, Exit, FarmError
from farm.report.events import Event, Warned
from farm.workflow.lock import held
from tests.edge.nodes.waiting import wait_until

APP, TOOL = "reg.lan/app:1", "reg.lan/tool:1"

OTHER = """
import asyncio, sys
from pathlib import Path
from farm.workflow.lock import held

async def main():
    async with held(sys.argv[3:], directory=Path(sys.argv[1]), run=sys.argv[2], wait=60, emit=lambda event: None):
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


class Others:
    """Other runs, in processes of their own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, *references: str, run: str = "other") -> subprocess.Popen[str]:
        """A run that has, or waits for, these locks."""
        command = [sys.executable, "-c", OTHER, str(self.directory), run, *references]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.processes.append(process)
        return process

    def hold(self, *references: str, run: str = "other") -> subprocess.Popen[str]:
        """A run that has these locks."""
        process = self.start(*references, run=run)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    def end(self, process: subprocess.Popen[str]) -> None:
        """The run ends by itself."""
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state" / "locks"


@pytest.fixture
def others(directory: Path) -> Iterator[Others]:
    runs = Others(directory)
    yield runs
    for process in runs.processes:
        process.send_signal(signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


def take(
    directory: Path, *references: str, wait: float | None = None, told: list[Event] | None = None, run: str = "mine"
) -> AbstractAsyncContextManager[None]:
    return held(references, directory=directory, run=run, wait=wait, emit=(told if told is not None else []).append)


def left(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def is_there(path: Path) -> bool:
    return path.exists()


def only(directory: Path) -> Path:
    [file] = directory.iterdir()
    return file


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


async def test_a_lock_is_there_during_the_block_and_leaves_nothing(directory: Path) -> None:
    async with take(directory, APP, TOOL, APP):
        assert [re.sub(r"-[0-9a-f]{16}\.lock$", "", name) for name in left(directory)] == [
            "reg.lan_app_1",
            "reg.lan_tool_1",
        ]
        assert {mode(directory / name) for name in left(directory)} == {0o600}
        assert mode(directory) == 0o700
    assert left(directory) == []


async def test_no_reference_needs_no_lock_and_no_folder(directory: Path) -> None:
    async with take(directory):
        assert not is_there(directory)


async def test_another_run_is_named(directory: Path, others: Others) -> None:
    process = others.hold(APP, run="20260101-000000-abcd")
    with pytest.raises(BusyError) as busy:
        async with take(directory, TOOL, APP):
            pytest.fail("it took a lock that another run holds")
    assert busy.value.exit_code is Exit.BUSY
    assert re.fullmatch(
        rf"reg\.lan/app:1 is being built by run 20260101-000000-abcd \(process {process.pid} of \S+ on \S+, "
        r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\)",
        busy.value.what,
    )
    assert busy.value.fix == f"wait for it with --wait, or end it with `kill {process.pid}`"
    # The lock that was free is free again.
    async with take(directory, TOOL):
        pass


async def test_other_images_do_not_wait(directory: Path, others: Others) -> None:
    others.hold(APP)
    async with take(directory, TOOL, "reg.lan/app:2", "reg.lan/app_1"):
        pass


async def test_two_runs_of_one_process_do_not_share_a_lock(directory: Path) -> None:
    async with take(directory, APP, run="first"):
        with pytest.raises(BusyError, match="run first"):
            async with take(directory, APP):
                pytest.fail("it took a lock that another run holds")


async def test_waiting_ends_when_the_other_run_does(directory: Path, others: Others) -> None:
    process = others.hold(APP)
    told: list[Event] = []

    async def later() -> None:
        await asyncio.sleep(1)
        await asyncio.to_thread(others.end, process)

    ending = asyncio.create_task(later())
    began = time.monotonic()
    async with take(directory, APP, wait=math.inf, told=told):
        assert 0.9 < time.monotonic() - began < 3
    await ending
    assert left(directory) == []
    [warned] = told
    assert isinstance(warned, Warned)
    assert warned.message.startswith(f"waiting for {APP}: it is held by run other (process {process.pid} of ")


async def test_waiting_has_an_end(directory: Path, others: Others) -> None:
    others.hold(APP)
    began = time.monotonic()
    with pytest.raises(BusyError, match=r"is still held by run other .* after 0\.6 s") as busy:
        async with take(directory, APP, wait=0.6):
            pytest.fail("it took a lock that another run holds")
    assert 0.5 < time.monotonic() - began < 2
    assert busy.value.fix == "wait longer, or look at that run"


async def test_waiting_can_be_cancelled(directory: Path, others: Others) -> None:
    others.hold(TOOL)

    async def run() -> None:
        async with take(directory, APP, TOOL, wait=math.inf):
            pytest.fail("it took a lock that another run holds")

    waiting = asyncio.create_task(run())
    await asyncio.sleep(0.3)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with take(directory, APP):
        pass


async def test_a_killed_run_holds_nothing(directory: Path, others: Others) -> None:
    process = others.hold(APP)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(left(directory)) == 1
    told: list[Event] = []
    began = time.monotonic()
    async with take(directory, APP, told=told):
        assert time.monotonic() - began < 0.2
        assert json.loads(only(directory).read_text())["pid"] == os.getpid()
    assert told == []


async def test_a_frozen_run_still_holds(directory: Path, others: Others) -> None:
    process = others.hold(APP)
    process.send_signal(signal.SIGSTOP)
    with pytest.raises(BusyError, match="run other"):
        async with take(directory, APP):
            pytest.fail("it took a lock that another run holds")


async def test_what_killed_runs_left_is_swept_and_what_others_hold_is_not(directory: Path, others: Others) -> None:
    for number in range(5):
        others.hold(f"reg.lan/app:{number}").send_signal(signal.SIGKILL)
    others.hold(TOOL)
    (directory / "README").write_text("not a lock")
    for process in others.processes[:5]:
        process.wait()
    async with take(directory, "reg.lan/new:1"):
        assert len(left(directory)) == 3
        assert "README" in left(directory)
    with pytest.raises(BusyError, match="run other"):
        async with take(directory, TOOL):
            pytest.fail("it took a lock that another run holds")


def locked(file: Path) -> int:
    """Lock a file as a run that has not written yet who it is, or as one that is sweeping."""
    descriptor = os.open(file, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


async def leave(directory: Path, others: Others) -> Path:
    process = others.hold(APP, run="dead")
    process.send_signal(signal.SIGKILL)
    process.wait()
    return only(directory)


async def test_the_text_of_a_dead_run_is_not_believed(directory: Path, others: Others) -> None:
    descriptor = locked(await leave(directory, others))
    try:
        with pytest.raises(BusyError, match="another run, which has not said who it is") as busy:
            async with take(directory, APP):
                pytest.fail("it took a lock that another run holds")
    finally:
        os.close(descriptor)
    assert "dead" not in busy.value.what
    assert busy.value.fix == "wait for it with --wait"


async def test_a_run_that_only_sweeps_is_not_taken_for_a_holder(directory: Path, others: Others) -> None:
    descriptor = locked(await leave(directory, others))
    asyncio.get_running_loop().call_later(0.2, os.close, descriptor)
    async with take(directory, APP):
        pass


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', "\x00\xff", "null"])
async def test_nonsense_in_a_lock_file(directory: Path, others: Others, text: str) -> None:
    file = await leave(directory, others)
    file.write_text(text)
    descriptor = locked(file)
    with pytest.raises(BusyError, match="another run, which has not said who it is"):
        async with take(directory, APP):
            pytest.fail("it took a lock that another run holds")
    os.close(descriptor)
    async with take(directory, APP):
        pass


async def test_a_file_that_is_removed_while_it_is_being_opened(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever opened the old file must not believe that its lock means anything."""
    flock = fcntl.flock
    names: list[Path] = []

    def remove_first(descriptor: int, operation: int) -> None:
        if not names:
            names.extend(directory.iterdir())
            names[0].unlink()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", remove_first)
    async with take(directory, APP):
        assert [only(directory)] == names
        with pytest.raises(BusyError, match="run mine"):
            async with take(directory, APP):
                pytest.fail("two runs hold one lock")


RACER = """
import asyncio, os, random, sys
from pathlib import Path
from farm.workflow.lock import held

async def main():
    seed, directory, inside = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    order = random.Random(seed)
    for turn in range(40):
        names = order.sample(["a", "b", "c"], 2)
        async with held(names, directory=directory, run=str(seed), wait=60, emit=lambda event: None):
            for name in names:
                os.close(os.open(f"{inside}/{name}", os.O_CREAT | os.O_EXCL))
            await asyncio.sleep(0)
            for name in names:
                os.unlink(f"{inside}/{name}")
        if turn % 10 == 9:
            os.kill(os.getpid(), 9) if seed == 0 and turn == 29 else None

asyncio.run(main())
"""


def test_many_runs_never_hold_one_lock_together_and_never_block_each_other(directory: Path, tmp_path: Path) -> None:
    """Five runs take pairs of three locks in any order, while one of them is killed: files come and go all the time."""
    inside = tmp_path / "inside"
    inside.mkdir()
    processes = [
        subprocess.Popen([sys.executable, "-c", RACER, str(seed), str(directory), str(inside)]) for seed in range(5)
    ]
    assert [process.wait(120) for process in processes] == [-9, 0, 0, 0, 0]
    assert list(inside.iterdir()) == []


async def test_two_runs_in_opposite_order_both_end(directory: Path, others: Others) -> None:
    first, second = others.start(APP, TOOL, run="1"), others.start(TOOL, APP, run="2")
    for process in (first, second):
        assert process.stdin is not None
        process.stdin.close()
    wait_until(lambda: first.poll() == 0 and second.poll() == 0, seconds=20)


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FarmError, match=r"cannot lock .*/file.*: (Not a directory|File exists)") as unusable:
        async with take(tmp_path / "file" / "locks", APP):
            pytest.fail("it locked in a folder that is none")
    assert unusable.value.fix == "free some space, or point XDG_STATE_HOME to a folder that you may write to"


@pytest.fixture
def read_only(directory: Path) -> Iterator[Path]:
    directory.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", directory], check=True)
    yield directory
    subprocess.run(["umount", directory], check=True)


@pytest.fixture
def full(directory: Path) -> Iterator[Path]:
    directory.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", directory], check=True)
    with suppress(OSError):
        (directory / "filler").write_bytes(bytes(8192))
    yield directory
    subprocess.run(["umount", directory], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a read-only file system")
async def test_a_read_only_folder(read_only: Path) -> None:
    with pytest.raises(FarmError, match=r"cannot lock .*\.lock: Read-only file system"):
        async with take(read_only, APP):
            pytest.fail("it locked in a read-only folder")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system")
async def test_a_full_disk(full: Path) -> None:
    with pytest.raises(FarmError, match=r"cannot lock .*: No space left on device"):
        async with take(full, APP):
            pytest.fail("it locked without having said who it is")


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
async def test_a_file_system_without_locks(directory: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """What an NFS server without a lock daemon answers; no file system that can be mounted here does."""

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(FarmError, match=r"the file system of .*/locks cannot lock files") as unusable:
        async with take(directory, APP):
            pytest.fail("it holds a lock that nobody granted")
    assert unusable.value.fix == "point XDG_STATE_HOME to a folder on a local disk"
