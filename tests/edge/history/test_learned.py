"""What earlier runs teach, out of a real file."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from farm.history import database, learning
from farm.history.history import History
from farm.history.learned import Learned, Mark, Pair, Times
from farm.platforms import Platform
from farm.report.outcome import Attempt, Built
from tests.edge.history.values import ARM, ARM64, INPUTS, STARTED, TARGET, built, failed, lost


def build(
    history: History, run: str, outcome: Built, *, target: str = TARGET, day: int = 0, reused: bool = False
) -> None:
    history.begin(run, target=target, references=(), started=STARTED + timedelta(days=day))
    history.finished(run, outcome, INPUTS, reused_from="r0" if reused else None)


def test_of_a_new_history_nothing_is_learned(history: History) -> None:
    assert history.learned([TARGET]) == Learned()
    assert history.learned([]) == Learned()
    assert history.learned() == Learned()


def test_times_of_many_jobs_in_one_go(history: History) -> None:
    build(history, "r1", built(ARM64, seconds=60), day=1)
    build(history, "r2", built(ARM64, seconds=5, cached=8), day=2)
    build(history, "r3", built(ARM64, seconds=70), day=3)
    build(history, "r4", built(ARM, node="z1", seconds=80), day=4)
    build(history, "r5", built(ARM64, seconds=90), target="other", day=5)
    build(history, "r6", built(ARM64, seconds=1), target="not asked for", day=6)
    assert history.learned([TARGET, "other", "never built"]).times == {
        Pair(TARGET, ARM64, "pi4"): Times(cold=(70, 60), warm=(5,), last=STARTED + timedelta(days=3)),
        Pair(TARGET, ARM, "z1"): Times(cold=(80,), last=STARTED + timedelta(days=4)),
        Pair("other", ARM64, "pi4"): Times(cold=(90,), last=STARTED + timedelta(days=5)),
    }
    assert {pair.target for pair in history.learned().times} == {TARGET, "other", "not asked for"}


def test_what_was_taken_over_or_failed_took_no_time(history: History) -> None:
    build(history, "r1", built(seconds=60), reused=True)
    history.begin("r2", target=TARGET, references=(), started=STARTED)
    history.failed("r2", failed(ARM64))
    history.begin("r3", target=TARGET, references=(), started=STARTED)
    history.attempted("r3", ARM64, 1, Attempt(node="pi4", kind=None, reason="built", seconds=3))
    assert history.learned([TARGET]).times == {}


def test_what_was_built_and_then_found_wrong_in_the_registry_took_no_time(history: History) -> None:
    history.begin("r1", target=TARGET, references=(), started=STARTED)
    tries = (lost(), Attempt(node="pi4", kind=None, reason="built", seconds=3))
    history.failed("r1", replace(failed(ARM64), attempts=tries))
    assert history.learned().times == {}


def test_the_twenty_most_recent_of_each_kind_count(history: History) -> None:
    for number in range(50):
        build(history, f"r{number}", built(seconds=number, cached=8 * (number % 2)))
    (times,) = history.learned([TARGET]).times.values()
    assert times.cold == tuple(range(48, 8, -2))
    assert times.warm == tuple(range(49, 9, -2))


def with_memory(*peaks: int | None) -> Built:
    tries = tuple(replace(lost(), memory=peak) for peak in peaks[:-1])
    last = Attempt(node="pi4", kind=None, reason="built", seconds=60, memory=peaks[-1])
    return replace(built(), attempts=(*tries, last))


def test_the_highest_peak_of_every_try_counts(history: History) -> None:
    build(history, "r1", with_memory(300, 900, None))
    build(history, "r2", with_memory(400))
    build(history, "r3", with_memory(None), target="other")
    assert history.learned([TARGET, "other"]).peaks == {(TARGET, ARM64): 900}
    assert history.runs(2)[1].platforms[0].outcome.attempts[0].memory == 400


def test_a_peak_of_long_ago_is_forgotten(history: History) -> None:
    build(history, "first", with_memory(900))
    for number in range(20):
        build(history, f"r{number}", with_memory(400))
    assert history.learned([TARGET]).peaks == {(TARGET, ARM64): 400}


def test_marks_are_kept_until_they_are_made_anew(history: History, path: Path) -> None:
    history.mark("pi4", Mark(cpu="Raspberry Pi 3", seconds=0.9))
    history.mark("z1", Mark(cpu="Atom", seconds=0.7))
    history.mark("pi4", Mark(cpu="Raspberry Pi 4", seconds=0.5))
    with History.open(path) as later:
        assert later.marks() == {
            "pi4": Mark(cpu="Raspberry Pi 4", seconds=0.5),
            "z1": Mark(cpu="Atom", seconds=0.7),
        }
        assert later.learned([TARGET]).marks == {"pi4": 0.5, "z1": 0.7}


def test_ten_thousand_builds_are_read_in_a_moment(path: Path) -> None:
    """17 ms where the machine is idle; the rest of the bound is for one that is not."""
    _fill(path, runs=3334)
    with History.open(path) as history:
        seconds = []
        for _ in range(5):
            began = time.thread_time()
            found = history.learned()
            seconds.append(time.thread_time() - began)
    assert sum(len(times.cold) + len(times.warm) for times in found.times.values()) > 9000
    assert min(seconds) < 0.04


def test_the_rows_themselves_are_not_read(path: Path) -> None:
    """Outcomes hold a kilobyte of inputs each: indexes alone answer, and sort."""
    with History.open(path):
        pass
    connection, _ = database.connect(path)
    asked: list[str] = []
    with contextlib.closing(connection):
        connection.set_trace_callback(asked.append)
        learning.learned(connection, None)
        connection.set_trace_callback(None)
        steps = [row[3] for query in asked for row in connection.execute(f"EXPLAIN QUERY PLAN {query}")]
    reads = [step for step in steps if step.split()[1] in ("run", "outcome", "attempt")]
    assert len(reads) == 6
    assert [step for step in reads if "USING COVERING INDEX" not in step] == []
    assert [step for step in steps if "TEMP B-TREE" in step] == []


def _fill(path: Path, *, runs: int) -> None:
    """As many runs of fifty targets for three platforms on five nodes, written in one transaction."""
    connection, _ = database.connect(path)
    platforms = [str(platform) for platform in (ARM64, ARM, Platform("linux", "amd64"))]
    jobs = [
        (run, platform, f"n{(run // 50 + place) % 5}")
        for run in range(runs)
        for place, platform in enumerate(platforms)
    ]
    with contextlib.closing(connection):
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO run (number, id, target, image_references, started) VALUES (?, ?, ?, '[]', ?)",
            [(run, f"r{run}", f"reg:5000/app{run % 50}", STARTED.isoformat()) for run in range(runs)],
        )
        connection.executemany(
            "INSERT INTO outcome (run, platform, is_built, seconds, node, cached, total, inputs)"
            " VALUES (?, ?, 1, 60, ?, ?, 8, ?)",
            [(run, platform, node, run % 7, "x" * 700) for run, platform, node in jobs],
        )
        connection.executemany(
            "INSERT INTO attempt (run, platform, number, node, reason, seconds) VALUES (?, ?, 1, ?, 'built', 60)", jobs
        )
        connection.execute("COMMIT")
