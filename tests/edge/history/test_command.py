"""`farm history` on a real history."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import termios
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from farm.history.history import History
from farm.report.run_report import Course, Span
from farm.workflow.run import folder_name
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
        ["RUN", "STARTED", "IMAGE", "BUILT", "RESULT", "TOOK"],
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


@pytest.fixture
def of_many(state: Path) -> Path:
    """A run of three images, one of which failed, after a run of one; what it left beside its logs says how it went."""
    with History.open(state / "farm" / "history.db") as history:
        history.begin("20250301-020000-aaaa", target=TARGET, references=REFERENCES, started=STARTED)
        history.end("20250301-020000-aaaa", exit_code=0, index=None, seconds=1)
        for number, name in enumerate(("alert", "base/os", "jaeger")):
            run = f"20250302-020000-bbbb/{name}"
            began = STARTED + timedelta(days=1, seconds=10 * number)
            history.begin(run, target=name, references=[f"reg.lan:5000/{name}:1"], started=began)
            if number == 1:
                history.failed(run, failed(AMD64))
            else:
                history.finished(run, built(AMD64), INPUTS)
            history.end(run, exit_code=6 if number == 1 else 0, index=None if number == 1 else "sha256:ab", seconds=90)
    logs = state / "farm" / "runs" / "20250302-020000-bbbb"
    (logs / folder_name("base/os")).mkdir(parents=True)
    course = Course(
        target="alert",
        platform=AMD64,
        planned=Span(node="z1", start=0, end=80),
        actual=Span(node="z2", start=0, end=90),
    )
    (logs / "report.json").write_text(json.dumps({"courses": [course.document()]}))
    return state


def test_a_run_of_many_is_one_line_and_those_that_failed(of_many: Path) -> None:
    assert lines(farm_history(of_many))[1:] == [
        [
            "20250302-020000-bbbb",
            "2025-03-02",
            "02:00",
            "2",
            "of",
            "3",
            "images",
            "2/3",
            *["build", "failed", "1", "min", "50", "s"],
        ],
        ["base/os", "0/1", "build", "failed", "1", "min", "30", "s"],
        [
            "20250301-020000-aaaa",
            "2025-03-01",
            "02:00",
            "reg:5000/app:1,",
            "reg:5000/app:latest",
            "-",
            "done",
            "1.0",
            "s",
        ],
    ]
    assert len(lines(farm_history(of_many, "-n", "1"))) == 3


def test_a_run_of_many_is_shown_with_plan_against_fact(of_many: Path) -> None:
    assert [" ".join(words) for words in lines(farm_history(of_many, "20250302-020000-bbbb"))] == [
        "IMAGE BUILT RESULT TOOK DIGEST PUSHED",
        "alert 1/1 done 1 min 30 s sha256:ab reg.lan:5000/alert:1",
        "base/os 0/1 build failed 1 min 30 s - -",
        "jaeger 1/1 done 1 min 30 s sha256:ab reg.lan:5000/jaeger:1",
        "alert linux/amd64 try 1 on z1: node_lost after 20 s: no answer for 15 s",
        "base/os linux/amd64 try 1 on z1: node_lost after 20 s: no answer for 15 s",
        "base/os linux/amd64 try 2 on z2: node_lost after 20 s: no answer for 15 s",
        "jaeger linux/amd64 try 1 on z1: node_lost after 20 s: no answer for 15 s",
        "result build failed, took 1 min 50 s",
        "plan planned 1 min 20 s, took 1 min 30 s (12 % longer)",
        "alert linux/amd64 ran on z2, not z1",
        "started 2025-03-02 02:00",
        f"logs {of_many}/farm/runs/20250302-020000-bbbb",
        "more: farm history 20250302-020000-bbbb/base/os",
    ]


def test_one_image_of_many_is_shown_as_a_run_of_its_own(of_many: Path) -> None:
    shown = [" ".join(words) for words in lines(farm_history(of_many, "20250302-020000-bbbb/base/os"))]
    assert shown[1] == "linux/amd64 failed z1, z2 41 s - 2 -"
    assert "image reg.lan:5000/base/os:1" in shown
    assert shown[-1] == f"logs {of_many}/farm/runs/20250302-020000-bbbb/{folder_name('base/os')}"


def test_a_run_of_many_as_json(of_many: Path) -> None:
    run = document(farm_history(of_many, "--json", "20250302-020000-bbbb"))
    assert (run["run"], run["exit_code"], run["seconds"]) == ("20250302-020000-bbbb", 6, 110)
    assert [(target["name"], target["exit_code"]) for target in run["targets"]] == [
        ("alert", 0),
        ("base/os", 6),
        ("jaeger", 0),
    ]
    assert run["plan"] == {"planned": 80, "took": 90}
    assert document(farm_history(of_many, "--json"))["runs"][0] == run


@pytest.mark.parametrize("report", ["", "{}", '{"courses": [{}]}', "[]"])
def test_a_report_that_cannot_be_read_hides_nothing_else(of_many: Path, report: str) -> None:
    (of_many / "farm" / "runs" / "20250302-020000-bbbb" / "report.json").write_text(report)
    assert document(farm_history(of_many, "--json", "20250302-020000-bbbb"))["plan"] is None


def test_a_named_image_that_was_alone_is_shown_as_one(state: Path) -> None:
    with History.open(state / "farm" / "history.db") as history:
        history.begin("20250301-020000-aaaa/app", target=TARGET, references=REFERENCES, started=STARTED)
        history.finished("20250301-020000-aaaa/app", built(ARM64), INPUTS)
    (state / "farm" / "runs" / "20250301-020000-aaaa").mkdir(parents=True)
    assert lines(farm_history(state))[1][3:5] == ["reg:5000/app:1,", "reg:5000/app:latest"]
    shown = lines(farm_history(state, "20250301-020000-aaaa"))
    assert shown == lines(farm_history(state, "20250301-020000-aaaa/app"))
    assert shown[1][:2] == ["linux/arm64", "built"]
    assert shown[-1] == ["logs", f"{state}/farm/runs/20250301-020000-aaaa"]
    run = document(farm_history(state, "--json", "20250301-020000-aaaa"))
    assert (run["run"], run["name"]) == ("20250301-020000-aaaa", "app")


def test_an_image_that_the_run_has_not_is_an_error_with_the_nearest(of_many: Path) -> None:
    done = farm_history(of_many, "20250302-020000-bbbb/jager")
    assert (done.returncode, done.stderr.splitlines()[1]) == (2, "fix: did you mean 20250302-020000-bbbb/jaeger?")


def test_a_narrow_terminal_breaks_no_word(of_many: Path) -> None:
    shown = on_terminal(of_many, columns=80)
    words = shown.split()
    assert {"20250302-020000-bbbb", "images", "failed", "done", "app:latest"} <= set(words)
    assert max(len(line) for line in shown.splitlines()) <= 80


def on_terminal(state: Path, *, columns: int) -> str:
    near, far = os.openpty()
    termios.tcsetwinsize(far, (24, columns))
    environment = os.environ | {"XDG_STATE_HOME": str(state), "TERM": "dumb", "TZ": "UTC"}
    argv = [sys.executable, "-m", "farm", "history"]
    with subprocess.Popen(argv, stdin=far, stdout=far, stderr=far, env=environment) as process:
        os.close(far)
        said = b""
        with contextlib.suppress(OSError):  # Linux's word for a terminal with nobody at its other end
            while chunk := os.read(near, 4096):
                said += chunk
        os.close(near)
    assert process.returncode == 0, said
    return said.decode().replace("\r\n", "\n")


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
