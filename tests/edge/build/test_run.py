from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import pytest

from farm.build import locate, run
from farm.build.locate import Buildx
from farm.errors import UsageError

PYTHON = Buildx(argv=(sys.executable, "-u", "-c"))


async def lines_of(program: str, tmp_path: Path, **more: object) -> tuple[run.Finished, list[str]]:
    lines: list[str] = []
    finished = await run.buildx(PYTHON, [program], config=tmp_path, on_line=lines.append, **more)  # type: ignore[arg-type]
    return finished, lines


async def test_buildx_says_its_version(tmp_path: Path) -> None:
    lines: list[str] = []
    finished = await run.buildx(locate.buildx(), ["version"], config=tmp_path, on_line=lines.append)
    assert finished.is_success
    assert lines[0].startswith("github.com/docker/buildx ")


async def test_both_streams_come_line_by_line_whatever_their_length(tmp_path: Path) -> None:
    program = "import sys\nfor n in (0, 1, 70_000, 9_000_000): print('x' * n)\nprint('last', end='', file=sys.stderr)"
    finished, lines = await lines_of(program, tmp_path)
    assert [len(line) for line in lines] == [0, 1, 70_000, 9_000_000, 4]
    assert finished == run.Finished(exit_status=0, signal=None)


async def test_exit_status_and_signal_are_told_apart(tmp_path: Path) -> None:
    assert (await lines_of("raise SystemExit(7)", tmp_path))[0] == run.Finished(exit_status=7, signal=None)
    killed, _ = await lines_of("import os; os.kill(os.getpid(), 9)", tmp_path)
    assert killed == run.Finished(exit_status=None, signal=9)


async def test_it_has_a_session_of_its_own_and_no_input(tmp_path: Path) -> None:
    _, lines = await lines_of("import os, sys; print(os.getsid(0) == os.getpid(), repr(sys.stdin.read()))", tmp_path)
    assert lines == ["True ''"]


async def test_when_it_was_last_heard_of(tmp_path: Path) -> None:
    activity = run.Activity()
    before = activity.last_output
    await lines_of("import time; print(1, flush=True); time.sleep(0.3)", tmp_path, activity=activity)
    assert before < activity.last_output < time.monotonic() - 0.25


@pytest.mark.parametrize("ignores", [False, True])
async def test_cancelling_ends_it_and_its_children_in_time(tmp_path: Path, ignores: bool) -> None:
    program = (
        "import os, signal, subprocess, sys, time\n"
        + ("signal.signal(signal.SIGINT, signal.SIG_IGN)\n" if ignores else "")
        + "child = subprocess.Popen(['sleep', '60'])\n"
        + "print(os.getpid(), child.pid, flush=True)\n"
        # More than a pipe holds: who does not read on would block it.
        + "while True: print('x' * 100_000, flush=True); time.sleep(0.001)\n"
    )
    pids: list[int] = []

    def on_line(line: str) -> None:
        if not pids:
            pids.extend(int(word) for word in line.split())

    work = asyncio.create_task(run.buildx(PYTHON, [program], config=tmp_path, on_line=on_line, grace=0.5))
    async with asyncio.timeout(10):
        while len(pids) < 2:  # noqa: ASYNC110 - it is another process that is waited for
            await asyncio.sleep(0.01)
    began = time.monotonic()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert time.monotonic() - began < 1.5
    assert [pid for pid in pids if is_running(pid)] == []


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_a_fault_of_the_reader_ends_it_too(tmp_path: Path) -> None:
    pids: list[int] = []

    def on_line(line: str) -> None:
        pids.append(int(line))
        raise ValueError("a reader's fault")

    program = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with pytest.raises(ValueError, match="a reader's fault"):
        await run.buildx(PYTHON, [program], config=tmp_path, on_line=on_line)
    assert not is_running(pids[0])


async def test_what_cannot_be_started_is_a_usage_error(tmp_path: Path) -> None:
    for argv in (str(tmp_path / "nothing"), str(tmp_path)):
        with pytest.raises(UsageError, match="cannot be started"):
            await run.buildx(Buildx(argv=(argv,)), [], config=tmp_path, on_line=print)


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_buildx_is_found_beside_python_on_path_and_among_plugins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "python"))
    env = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path / "home")}
    plugin = program(tmp_path / "home" / ".docker" / "cli-plugins" / "docker-buildx")
    assert locate.buildx(env).argv == (str(plugin),)
    own = program(tmp_path / "docker" / "cli-plugins" / "docker-buildx")
    assert locate.buildx({**env, "DOCKER_CONFIG": str(tmp_path / "docker")}).argv == (str(own),)
    alone = program(tmp_path / "bin" / "docker-buildx")
    assert locate.buildx(env).argv == (str(alone),)
    on_path = program(tmp_path / "bin" / "buildx")
    assert locate.buildx(env).argv == (str(on_path),)
    beside = program(tmp_path / "venv" / "buildx")
    assert locate.buildx(env).argv == (str(beside),)
    beside.chmod(0o644)
    assert locate.buildx(env).argv == (str(on_path),)


def test_no_buildx_is_one_error_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(locate, "_SYSTEM_PLUGINS", ())
    with pytest.raises(UsageError, match="buildx was not found") as caught:
        locate.buildx({"PATH": str(tmp_path)})
    assert "docker-buildx" in (caught.value.fix or "")
