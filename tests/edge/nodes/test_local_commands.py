"""Programs on the coordinator itself."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from farm.errors import UnreachableError
from farm.nodes import local
from tests.edge.nodes.waiting import eventually


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_output_and_status() -> None:
    done = await local.run("sh", "-c", "cat; echo no >&2; exit 3", input=b"yes", timeout=5)
    assert (done.stdout, done.stderr, done.exit_status) == ("yes", "no\n", 3)


async def test_a_program_that_is_not_there() -> None:
    with pytest.raises(UnreachableError, match="no-such-program cannot be started here: No such file or directory"):
        await local.run("no-such-program", input=b"", timeout=5)


async def test_a_time_limit_ends_the_whole_family(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    with pytest.raises(UnreachableError, match=r"did not end here within 0\.3 s"):
        await local.run("sh", "-c", f"sleep 30 & echo $! >{pid}; wait", input=b"", timeout=0.3)
    await eventually(lambda: not is_alive(int(pid.read_text())))


async def test_cancelling_ends_the_whole_family(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    running = asyncio.create_task(local.run("sh", "-c", f"sleep 30 & echo $! >{pid}; wait", input=b"", timeout=60))
    await eventually(lambda: pid.exists() and pid.read_text() != "")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await eventually(lambda: not is_alive(int(pid.read_text())))
