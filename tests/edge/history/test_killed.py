"""Writers that are killed at any instant, and several at once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from farm.history.history import History
from tests.edge.history.values import AMD64, ARM64, INPUTS, REFERENCES, built, failed

ROOT = Path(__file__).resolve().parents[3]
SEED = 20250301


def start(path: Path, prefix: str, count: int) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "tests.edge.history.writer", str(path), prefix, str(count)]
    return subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def check_said_is_recorded(history: History, said: list[str]) -> None:
    records = {record.run: record for record in history.runs(10_000)}
    for line in said:
        run, what = line.split()
        record = records[run]
        if what == "ended":
            assert record.exit_code == 6, line
        elif what != "begun":
            assert what in {str(platform.outcome.platform) for platform in record.platforms}, line


def check_all_is_whole(history: History) -> None:
    for record in history.runs(10_000):
        for platform in record.platforms:
            assert platform.outcome in (built(ARM64), failed(AMD64))


def test_what_was_said_before_a_kill_is_there_after_it(path: Path) -> None:
    chance = random.Random(SEED)
    said: list[str] = []
    for number in range(12):
        writer = start(path, f"k{number}-", 10_000)
        assert writer.stdout is not None
        if number % 3:
            said.append(writer.stdout.readline().strip())
            time.sleep(chance.uniform(0, 0.3))
        else:  # while the file is being made or opened
            time.sleep(chance.uniform(0.1, 0.4))
        writer.send_signal(signal.SIGKILL)
        out, _ = writer.communicate()
        said += out[: out.rfind("\n") + 1].splitlines()
        with History.open(path) as history:
            assert history.warning is None
            check_said_is_recorded(history, [line for line in said if line])
            check_all_is_whole(history)
    assert len(said) > 100
    assert not list(path.parent.glob("*broken*"))


def test_a_killed_run_can_be_resumed_while_another_writes(path: Path) -> None:
    writer = start(path, "a", 10_000)
    assert writer.stdout is not None
    try:
        while "linux/arm64" not in writer.stdout.readline():
            pass
        with History.open(path) as history:
            found = history.resumable("a0", REFERENCES)
    finally:
        writer.kill()
        writer.communicate()
    assert found is not None
    assert found.kept[ARM64].built == built(ARM64)
    assert found.kept[ARM64].inputs == INPUTS


def test_several_begin_a_history_at_once_and_write_at_once(path: Path) -> None:
    writers = [start(path, f"w{number}-", 15) for number in range(4)]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    with History.open(path) as history:
        assert history.warning is None
        assert sorted(record.run for record in history.runs(1000)) == sorted(
            f"w{writer}-{number}" for writer in range(4) for number in range(15)
        )
        check_all_is_whole(history)


def test_several_find_a_broken_history_at_once(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database" * 1000)
    writers = [start(path, f"w{number}-", 5) for number in range(4)]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    (aside,) = path.parent.glob("history.db.broken-*")
    assert aside.read_bytes() == b"no database" * 1000
    with History.open(path) as history:
        assert len(history.runs(1000)) == 20
