"""The file itself: older, newer, broken, in the wrong place, on a full disk."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from farm.history import database
from farm.history.database import migrations
from farm.history.errors import HistoryError
from farm.history.history import History
from tests.edge.history.values import INPUTS, REFERENCES, STARTED, TARGET, built

Mount = Callable[..., Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mount a tmpfs with the given options."""
    mounted: list[Path] = []

    def add(options: str) -> Path:
        place = tmp_path / f"disk{len(mounted)}"
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=True)
        mounted.append(place)
        return place

    yield add
    for place in mounted:
        subprocess.run(["umount", place], check=True)


def fill(folder: Path) -> Path:
    """Take all space that is left."""
    ballast = folder / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    return ballast


def record(history: History, run: str) -> None:
    history.begin(run, target=TARGET, references=REFERENCES, started=STARTED)
    history.finished(run, built(), INPUTS)


def record_many(history: History) -> None:
    for number in range(100):
        record(history, f"r{number}")


def older(path: Path, version: int) -> None:
    """A database as the given version of farm left it, with a run in it."""
    path.parent.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for step in migrations()[:version]:
            connection.executescript(step)
        if version:
            connection.execute(
                "INSERT INTO run (id, target, image_references, started) VALUES ('old', 'app', '[]', ?)",
                (STARTED.isoformat(),),
            )
        connection.execute(f"PRAGMA user_version = {version}")


def version_of(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        return int(version)


@pytest.mark.parametrize("version", range(len(migrations()) + 1))
def test_every_older_version_is_brought_up_to_date(path: Path, version: int) -> None:
    older(path, version)
    with History.open(path) as history:
        assert history.warning is None
        assert [run.run for run in history.runs(9)] == (["old"] if version else [])
        record(history, "new")
        history.strike("z1", STARTED)
        assert [run.run for run in history.runs(1)] == ["new"]
    assert version_of(path) == len(migrations())


def test_a_step_to_the_next_version_is_whole_or_not_at_all(path: Path) -> None:
    older(path, 1)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE strike (in_the_way)")
    with pytest.raises(HistoryError, match="table strike already exists"):
        History.open(path)
    assert version_of(path) == 1
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript("DROP TABLE strike")
    with History.open(path) as history:
        assert [run.run for run in history.runs(9)] == ["old"]


def test_a_history_of_a_newer_farm_is_left_as_it_is(path: Path) -> None:
    older(path, len(migrations()))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    known = len(migrations())
    with pytest.raises(HistoryError, match=f"written by a newer farm: version 99, this one knows {known}") as caught:
        History.open(path)
    assert caught.value.fix == "update farm, or move the file away to begin a new history"
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["history.db"]


def damage_all(content: bytes) -> bytes:
    return b"no database" * (len(content) // 11)


def damage_the_end(content: bytes) -> bytes:
    return content[: len(content) // 2]


def damage_the_middle(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + b"\xff" * 8192 + content[middle + 8192 :]


@pytest.mark.parametrize("damage", [damage_all, damage_the_end, damage_the_middle])
def test_a_broken_file_is_moved_aside_with_a_warning(path: Path, damage: Callable[[bytes], bytes]) -> None:
    with History.open(path) as history:
        record_many(history)
    broken = damage(path.read_bytes())
    path.write_bytes(broken)
    with History.open(path) as history:
        (aside,) = path.parent.glob("history.db.broken-*")
        assert history.warning == f"the history {path} was broken and has been moved to {aside}; a new one begins"
        assert aside.read_bytes() == broken
        assert history.runs(9) == ()
        record(history, "new")
    with History.open(path) as history:
        assert history.warning is None
        assert [run.run for run in history.runs(9)] == ["new"]


def test_the_log_of_a_broken_file_goes_with_it(path: Path) -> None:
    with History.open(path) as history:
        record_many(history)
    with History.open(path) as history:
        record(history, "last")
        log = Path(f"{path}-wal").read_bytes()
    path.write_bytes(b"no database" * 1000)
    Path(f"{path}-wal").write_bytes(log)
    with History.open(path) as history:
        assert history.warning is not None
        assert history.runs(9) == ()
    (aside,) = path.parent.glob("history.db.broken-*-wal")
    assert aside.read_bytes() == log


def test_a_file_that_breaks_during_a_run_is_told_then_and_moved_aside_next_time(path: Path) -> None:
    with History.open(path) as history:
        record_many(history)
    with History.open(path) as history:
        with History.open(path) as other:  # what `history` has in memory is out of date then
            record(other, "other")
        path.write_bytes(b"no database" * 20_000)
        with pytest.raises(HistoryError) as caught:
            record(history, "last")
        assert caught.value.fix == "the next run moves the file aside and begins a new one"
    with History.open(path) as history:
        assert history.warning is not None
        record(history, "new")


def test_an_empty_file_is_a_new_history(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.touch()
    with History.open(path) as history:
        assert history.warning is None
        record(history, "r1")


def test_nobody_else_can_read_it(path: Path) -> None:
    before = os.umask(0)
    try:
        with History.open(path) as history:
            record(history, "r1")
            assert {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {
                "history.db": 0o600,
                "history.db-wal": 0o600,
                "history.db-shm": 0o600,
            }
    finally:
        os.umask(before)
    path.chmod(0o644)
    History.open(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("is_there", [True, False])
def test_a_disk_that_cannot_be_written_is_one_error(mount: Mount, is_there: bool) -> None:
    disk = mount("size=1m")
    path = disk / "history.db"
    if is_there:
        with History.open(path) as history:
            record(history, "r1")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    with pytest.raises(HistoryError, match=r"cannot open the history .*: Read-only file system") as caught:
        History.open(path)
    assert caught.value.fix is not None
    assert "yours to write" in caught.value.fix


def test_a_place_that_is_no_folder_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HistoryError, match=r"cannot open the history .*file/history\.db: Not a directory"):
        History.open(tmp_path / "file" / "history.db")
    with pytest.raises(HistoryError, match="unable to open database file"):
        History.open(tmp_path)


def test_a_full_disk_loses_nothing_that_was_recorded(mount: Mount) -> None:
    disk = mount("size=512k")
    path = disk / "history.db"
    with History.open(path) as history:
        record(history, "before")
        ballast = fill(disk)
        with pytest.raises(HistoryError, match="cannot write the history") as caught:
            record_many(history)
        assert caught.value.fix is not None
        assert "free some space" in caught.value.fix
        assert history.targets("before")
        ballast.unlink()
        record(history, "after")
    with History.open(path) as history:
        assert history.warning is None
        found = {run.run for run in history.runs(1000)}
        assert {"before", "after"} <= found
        check_whole(history)


def check_whole(history: History) -> None:
    for run in history.runs(1000):
        for platform in run.platforms:
            assert platform.outcome == built()


@pytest.mark.parametrize("is_there", [True, False])
def test_a_full_disk_at_the_start_is_one_error(mount: Mount, is_there: bool) -> None:
    disk = mount("size=256k")
    path = disk / "history.db"
    if is_there:
        with History.open(path) as history:
            record(history, "before")
    ballast = fill(disk)
    with pytest.raises(HistoryError) as caught, History.open(path) as history:
        record_many(history)
    assert caught.value.fix is not None
    assert "free some space" in caught.value.fix
    ballast.unlink()
    with History.open(path) as history:
        assert history.warning is None
        assert bool(history.targets("before")) is is_there


def test_another_process_that_hangs_delays_for_a_while_only(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "PATIENCE", 0.3)
    with History.open(path) as history, contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(HistoryError, match="locked") as caught:
            record(history, "r1")
        assert caught.value.fix == "another farm holds it: try again, or look for one that hangs"
        assert history.runs(9) == ()  # reading goes on
        other.execute("ROLLBACK")
        record(history, "r1")


def test_another_process_that_hangs_while_it_begins_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "PATIENCE", 0.3)
    path.parent.mkdir(parents=True)
    holder = subprocess.Popen(
        ["flock", "--no-fork", path.parent, "sh", "-c", "echo held; exec sleep 60"], stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(HistoryError, match="another farm has been preparing the history"):
            History.open(path)
    finally:
        holder.kill()
        holder.communicate()
