from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from farm.errors import UsageError
from farm.history.durations import Duration
from farm.history.errors import HistoryError
from farm.history.history import History
from farm.history.records import Kept, PlatformRecord, Resumable, RunRecord
from farm.report.outcome import Failed
from tests.edge.history.values import AMD64, ARM, ARM64, INPUTS, REFERENCES, STARTED, TARGET, built, failed, lost


def begin(history: History, run: str, references: Sequence[str] = REFERENCES) -> None:
    history.begin(run, target=TARGET, references=references, started=STARTED)


def test_a_run_comes_back_as_it_went(history: History) -> None:
    begin(history, "r1")
    history.finished("r1", built(), INPUTS)
    history.failed("r1", failed())
    history.attempted("r1", ARM, 1, lost("pi4"))
    history.end("r1", exit_code=6, index=None, seconds=90.5)
    expected = RunRecord(
        run="r1",
        target=TARGET,
        references=REFERENCES,
        started=STARTED,
        exit_code=6,
        index=None,
        seconds=90.5,
        platforms=(
            PlatformRecord(outcome=failed(), state="failed"),
            PlatformRecord(outcome=Failed(platform=ARM, attempts=(lost("pi4"),), seconds=20.5), state="unfinished"),
            PlatformRecord(outcome=built(), state="built"),
        ),
    )
    assert history.targets("r1") == (expected,)
    assert history.runs(10) == (expected,)


def test_runs_come_newest_first_whatever_the_clock_says(history: History) -> None:
    for day in (3, 1, 2):
        history.begin(f"r{day}", target=TARGET, references=(), started=STARTED + timedelta(days=day))
    assert [record.run for record in history.runs(2)] == ["r2", "r1"]
    assert history.targets("r4") == ()


def test_tries_are_recorded_as_they_end_and_once(history: History) -> None:
    begin(history, "r1")
    history.attempted("r1", ARM64, 1, lost())
    history.attempted("r1", ARM64, 2, lost())
    history.attempted("r1", ARM64, 3, lost())
    history.finished("r1", built(), INPUTS)
    (record,) = history.runs(1)
    assert record.platforms == (PlatformRecord(outcome=built(), state="built"),)


def test_a_run_whose_beginning_is_missing_takes_nothing(history: History) -> None:
    calls: tuple[Callable[[], None], ...] = (
        lambda: history.finished("r1", built(), INPUTS),
        lambda: history.failed("r1", failed()),
        lambda: history.attempted("r1", ARM64, 1, lost()),
        lambda: history.end("r1", exit_code=0, index=None, seconds=1),
    )
    for call in calls:
        with pytest.raises(HistoryError, match="run r1 is not in the history"):
            call()
    assert history.runs(9) == ()


def test_one_run_cannot_begin_twice(history: History) -> None:
    begin(history, "r1")
    with pytest.raises(HistoryError, match=r"cannot write the history .*history\.db: UNIQUE"):
        begin(history, "r1")
    begin(history, "r2")  # the transaction that failed is over


def test_a_killed_run_is_resumed_with_all_it_had_built(history: History) -> None:
    begin(history, "r1")
    history.finished("r1", built(ARM64), INPUTS)
    history.finished("r1", built(ARM), INPUTS)
    history.failed("r1", failed(AMD64))
    assert history.resumable(None, tuple(reversed(REFERENCES))) == Resumable(
        run="r1",
        kept={
            ARM: Kept(run="r1", built=built(ARM), inputs=INPUTS),
            ARM64: Kept(run="r1", built=built(ARM64), inputs=INPUTS),
        },
    )


@pytest.mark.parametrize("exit_code", [6, 7, 8, 9, 130, None])
def test_every_end_but_success_is_resumed(history: History, exit_code: int | None) -> None:
    begin(history, "r1")
    if exit_code is not None:
        history.end("r1", exit_code=exit_code, index=None, seconds=1)
    assert history.resumable(None, REFERENCES) == Resumable(run="r1", kept={})


def test_after_success_nothing_is_resumed(history: History) -> None:
    begin(history, "r1")
    history.finished("r1", built(), INPUTS)
    begin(history, "r2")
    history.end("r2", exit_code=0, index="sha256:cc", seconds=1)
    assert history.resumable(None, REFERENCES) is None
    with pytest.raises(UsageError, match="run r2 ended well"):
        history.resumable("r2", REFERENCES)


def test_a_resumed_run_that_is_killed_at_once_loses_nothing(history: History) -> None:
    begin(history, "r1")
    history.finished("r1", built(ARM64, node="old"), INPUTS)
    history.finished("r1", built(ARM), INPUTS)
    begin(history, "r2")
    history.finished("r2", built(ARM64, node="new"), INPUTS)
    begin(history, "r3")
    found = history.resumable(None, REFERENCES)
    assert found is not None
    assert found.run == "r3"
    assert {str(p): (kept.run, kept.built.node) for p, kept in found.kept.items()} == {
        "linux/arm64": ("r2", "new"),
        "linux/arm/v7": ("r1", "pi4"),
    }


def test_what_was_reused_keeps_the_name_of_the_run_that_built_it(history: History) -> None:
    begin(history, "r1")
    history.finished("r1", built(), INPUTS)
    begin(history, "r2")
    history.finished("r2", built(), INPUTS, reused_from="r1")
    found = history.resumable("r2", REFERENCES)
    assert found is not None
    assert found.kept[ARM64].run == "r1"
    assert history.runs(1)[0].platforms == (PlatformRecord(outcome=built(), state="reused", reused_from="r1"),)


def test_what_was_not_pushed_cannot_be_resumed(history: History) -> None:
    begin(history, "r1")
    history.finished("r1", replace(built(), digest=None, pushed=None), INPUTS)
    assert history.resumable("r1", REFERENCES) == Resumable(run="r1", kept={})


def test_a_named_run_must_be_there_and_have_built_the_same(history: History) -> None:
    begin(history, "r1")
    with pytest.raises(UsageError, match="there is no run 'r7'"):
        history.resumable("r7", REFERENCES)
    with pytest.raises(UsageError, match="run r1 built reg:5000/app:1, reg:5000/app:latest, not reg:5000/app:2"):
        history.resumable("r1", ["reg:5000/app:2"])
    assert history.resumable(None, ["reg:5000/app:2"]) is None


def test_without_a_tag_there_is_nothing_to_resume(history: History) -> None:
    begin(history, "r1", references=())
    assert history.resumable(None, ()) is None


def test_durations_are_those_of_the_tries_that_went_well(history: History) -> None:
    for number in range(25):
        begin(history, f"r{number}")
        history.finished(f"r{number}", built(seconds=number, cached=4 * (number % 2)), INPUTS)
    begin(history, "reused")
    history.finished("reused", built(seconds=999), INPUTS, reused_from="r1")
    begin(history, "bad")
    history.failed("bad", failed(ARM64))
    found = history.durations(TARGET, ARM64, "pi4")
    assert len(found) == 20
    assert found[:2] == (Duration(seconds=24, is_warm=False), Duration(seconds=23, is_warm=True))
    assert history.durations("other", ARM64, "pi4") == ()
    assert history.durations(TARGET, ARM, "pi4") == ()
    assert history.durations(TARGET, ARM64, "z1") == ()


def test_a_node_rests_longer_with_every_loss_until_it_is_absolved(history: History) -> None:
    assert history.strikes("z1") is None
    assert history.strike("z1", STARTED).until == STARTED + timedelta(seconds=10)
    again = STARTED + timedelta(seconds=15)
    second = history.strike("z1", again)
    assert (second.count, second.until) == (2, again + timedelta(seconds=20))
    assert history.strikes("z1") == second
    assert history.resting(again) == {"z1": second}
    assert history.resting(again + timedelta(seconds=20)) == {}
    history.absolve("z1")
    history.absolve("never struck")
    assert history.strikes("z1") is None
    assert history.strike("z1", again).count == 1


def test_strikes_are_remembered_by_the_next_run(path: Path) -> None:
    with History.open(path) as first:
        made = first.strike("z1", STARTED)
    with History.open(path) as second:
        assert second.resting(STARTED) == {"z1": made}


def test_old_runs_go(history: History) -> None:
    for number in range(2005):
        begin(history, f"r{number}")
    history.finished("r2004", built(), INPUTS)
    found = history.runs(10_000)
    assert len(found) == 2000
    assert found[-1].run == "r5"


async def test_threads_may_share_it(history: History) -> None:
    begin(history, "r1")
    platforms = [replace(ARM64, variant=f"v{number}") for number in range(10, 40)]
    await asyncio.gather(
        *(asyncio.to_thread(history.finished, "r1", built(platform), INPUTS) for platform in platforms),
        *(asyncio.to_thread(history.strike, f"n{number}", STARTED) for number in range(30)),
    )
    assert len(history.runs(1)[0].platforms) == 30
    assert len(history.resting(STARTED)) == 30


def test_every_write_waits_for_the_disk(history: History) -> None:
    connection = history._connection  # the only witness of what SQLite was told
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_closed_history_says_so(path: Path) -> None:
    with History.open(path) as history:
        pass
    with pytest.raises(HistoryError, match="cannot read the history"):
        history.runs(1)


def test_sqlite_is_loaded_only_when_it_is_needed() -> None:
    code = "import farm.history.history, farm.plan.quarantine, sys; sys.exit('sqlite3' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
