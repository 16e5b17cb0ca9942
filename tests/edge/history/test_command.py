"""`farm history` on a real history."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from farm.history.history import History
from tests.edge.history.values import AMD64, ARM, ARM64, INPUTS, REFERENCES, STARTED, TARGET, built, failed, lost


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """XDG_STATE_HOME."""
    return tmp_path / "state"


@pytest.fixture
def recorded(state: Path) -> Path:
    """Two runs: one that failed and kept its logs, and one that took over what that had built and was killed."""
    with History.open(state / "farm" / "history.db") as history:
        history.begin("20250301-020000-aaaa", target=TARGET, references=REFERENCES, started=STARTED)
        history.finished("20250301-020000-aaaa", built(ARM64), INPUTS)
        history.failed("20250301-020000-aaaa", failed(AMD64))
        history.end("20250301-020000-aaaa", exit_code=6, index=None, seconds=90.5)
        history.begin("20250302-020000-bbbb", target=TARGET, references=REFERENCES, started=STARTED)
        history.finished("20250302-020000-bbbb", built(ARM64), INPUTS, reused_from="20250301-020000-aaaa")
        history.attempted("20250302-020000-bbbb", ARM, 1, lost("pi4"))
    (state / "farm" / "runs" / "20250301-020000-aaaa").mkdir(parents=True)
    return state


def farm_history(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "farm", "history", *words],
        env=os.environ | {"XDG_STATE_HOME": str(state), "TZ": "UTC"},
        capture_output=True,
        text=True,
        check=False,
    )


def lines(done: subprocess.CompletedProcess[str]) -> list[list[str]]:
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return [line.split() for line in done.stdout.splitlines()]


def document(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_list_shows_the_newest_first(recorded: Path) -> None:
    images = ["reg:5000/app:1,", "reg:5000/app:latest"]
    assert lines(farm_history(recorded)) == [
        ["RUN", "STARTED", "IMAGE", "PLATFORMS", "RESULT", "TOOK"],
        ["20250302-020000-bbbb", "2025-03-01", "02:00", *images, "1/2", "unfinished", "-"],
        ["20250301-020000-aaaa", "2025-03-01", "02:00", *images, "1/2", "build", "failed", "1", "min", "30", "s"],
    ]
    assert len(lines(farm_history(recorded, "-n", "1"))) == 2


def test_one_run_is_shown_with_every_try_that_failed(recorded: Path) -> None:
    assert [" ".join(words) for words in lines(farm_history(recorded, "20250301-020000-aaaa"))] == [
        "PLATFORM STATE NODE TIME CACHED TRIES DIGEST",
        "linux/amd64 failed z1, z2 41 s - 2 -",
        f"linux/arm64 built pi4 1 min 20 s 0/8 2 sha256:{'aa' * 32}",
        "linux/amd64 try 1 on z1: node_lost after 20 s: no answer for 15 s",
        "linux/amd64 try 2 on z2: node_lost after 20 s: no answer for 15 s",
        "linux/arm64 try 1 on z1: node_lost after 20 s: no answer for 15 s",
        "result build failed, took 1 min 30 s",
        "started 2025-03-01 02:00",
        "image reg:5000/app:1, reg:5000/app:latest",
        f"logs {recorded}/farm/runs/20250301-020000-aaaa",
    ]


def test_a_killed_run_shows_what_was_taken_over_and_that_its_logs_are_gone(recorded: Path) -> None:
    shown = [" ".join(words) for words in lines(farm_history(recorded, "20250302-020000-bbbb"))]
    assert shown[3:5] == [
        "linux/arm/v7 try 1 on pi4: node_lost after 20 s: no answer for 15 s",
        "linux/arm64 was built by run 20250301-020000-aaaa",
    ]
    assert "result unfinished" in shown
    assert "logs deleted" in shown


def test_json_says_the_same(recorded: Path) -> None:
    runs = document(farm_history(recorded, "--json"))["runs"]
    assert [run["run"] for run in runs] == ["20250302-020000-bbbb", "20250301-020000-aaaa"]
    assert runs[1] == document(farm_history(recorded, "--json", "20250301-020000-aaaa"))
    assert (runs[1]["exit_code"], runs[1]["started"]) == (6, "2025-03-01T02:00:00+00:00")
    assert [(found["platform"], found["state"], found["built"]) for found in runs[1]["platforms"]] == [
        ("linux/amd64", "failed", False),
        ("linux/arm64", "built", True),
    ]
    assert runs[0]["platforms"][1]["reused_from"] == "20250301-020000-aaaa"
    assert runs[0]["exit_code"] is None
    assert runs[0]["logs"] is None


def test_a_run_that_there_is_not_is_an_error_with_the_nearest(recorded: Path) -> None:
    done = farm_history(recorded, "20250301-020000-aaab")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "error: there is no run '20250301-020000-aaab' in the history",
        "fix: did you mean 20250301-020000-aaaa?",
    ]
    done = farm_history(recorded, "x", "--json")
    assert json.loads(done.stdout)["error"]["fix"] == "`farm history` lists the runs"


def test_asking_begins_no_history(state: Path) -> None:
    done = farm_history(state)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "no builds yet\n")
    assert document(farm_history(state, "--json")) == {"runs": []}
    assert farm_history(state, "x").returncode == 2
    assert not state.exists()


def test_a_broken_history_is_a_warning(recorded: Path) -> None:
    (recorded / "farm" / "history.db").write_bytes(b"no database" * 1000)
    done = farm_history(recorded, "--json")
    assert document(done) == {"runs": []}
    assert done.stderr.startswith("warning: the history ")


def test_a_newer_history_is_one_error(recorded: Path) -> None:
    connection = sqlite3.connect(recorded / "farm" / "history.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    done = farm_history(recorded)
    assert done.returncode == 1
    assert "was written by a newer farm" in done.stderr
    assert "fix: update farm" in done.stderr
