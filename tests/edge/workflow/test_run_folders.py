"""The folders of a run: private, and gone when it is, whoever is left to remove them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm import folders
from farm.errors import FarmError, UsageError
from farm.workflow import run as runs

_RUN = """
import sys, time
from farm.workflow import run
with run.started() as started:
    print(started.runtime, started.spool, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "runtime").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home" / "state"))
    return tmp_path


@pytest.fixture
def loose_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@contextlib.contextmanager
def other() -> Iterator[tuple[subprocess.Popen[str], list[Path]]]:
    """Another run, and its two folders."""
    with subprocess.Popen([sys.executable, "-c", _RUN], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process, [Path(word) for word in process.stdout.readline().split()]
        finally:
            process.kill()


@pytest.mark.usefixtures("loose_umask")
def test_nobody_else_may_enter_what_farm_makes_whatever_the_umask(homes: Path) -> None:
    with runs.started() as run:
        made = [homes / "home", *(homes / "home").rglob("*"), run.runtime]
        assert {path: oct(path.stat().st_mode & 0o777) for path in made if path.is_dir()} == {
            path: "0o700" for path in made if path.is_dir()
        }


@pytest.mark.usefixtures("homes")
def test_what_a_killed_run_left_goes_with_the_next_one() -> None:
    with other() as (process, left):
        (left[1] / "deep").mkdir()
        (left[1] / "deep" / "file").touch()
        with runs.started():
            assert all(folder.is_dir() for folder in left)
        process.kill()
        process.wait()
        assert all(folder.is_dir() for folder in left)
        with runs.started():
            assert not any(folder.exists() for folder in left)


@pytest.mark.usefixtures("homes")
def test_a_run_in_another_container_keeps_its_folders() -> None:
    """Its process has a number there under which nothing runs here; only the lock tells that it lives."""
    with runs.started() as run:
        theirs = run.spool.with_name("4194305-theirs")
        theirs.mkdir()
        with (theirs / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with runs.started():
                assert theirs.is_dir()
        with runs.started():
            assert not theirs.exists()


@pytest.mark.usefixtures("homes")
def test_a_folder_that_its_run_has_had_no_time_to_lock_is_left_for_a_minute() -> None:
    with runs.started() as run:
        fresh, old = run.spool.with_name("fresh"), run.spool.with_name("old")
        for folder in (fresh, old):
            folder.mkdir()
        os.utime(old, (time.time() - 120,) * 2)
        with runs.started():
            assert (fresh.exists(), old.exists()) == (True, False)


def test_a_folder_is_removed_whatever_is_in_it_and_nothing_else(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.mkdir()
    (outside / "kept").touch()
    deep = folder
    for _ in range(1500):
        deep /= "d"
    place = folder
    for part in ("", *deep.relative_to(folder).parts):
        place = place / part
        place.mkdir()
    (folder / "link").symlink_to(outside)
    (folder / "closed").mkdir(mode=0o700)
    (folder / "closed" / "file").touch()
    (folder / "closed").chmod(0o500)
    folders.remove(folder)
    folders.remove(folder)
    (tmp_path / "link").symlink_to(outside)
    folders.remove(tmp_path / "link")
    folders.remove(outside / "kept")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["kept", "link", "outside"]


@pytest.mark.usefixtures("homes")
def test_a_clock_that_was_put_back_does_not_cost_a_run_its_own_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "KEPT_RUNS", 3)
    later = [runs.state_home() / "runs" / f"2999010{day}-000000-aaaa" for day in range(1, 5)]
    for folder in later:
        folders.make_private(folder)

    with runs.started() as run:
        (run.logs / "report.json").touch()

    assert (run.logs / "report.json").is_file()
    assert sorted(run.logs.parent.iterdir()) == [run.logs, *later[2:]]


@pytest.fixture
def shared(homes: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that farm takes in one that all users share."""
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr(tempfile, "tempdir", str(homes))
    return homes / f"farm-{os.getuid()}"


def test_a_runtime_folder_that_others_can_enter_is_refused(shared: Path) -> None:
    shared.mkdir()
    shared.chmod(0o750)
    with pytest.raises(UsageError, match=f"{shared} has mode 0750") as caught, runs.started():
        pass
    assert f"chmod 700 {shared}" in str(caught.value.fix)
    shared.chmod(0o700)
    with runs.started() as run:
        assert run.runtime.parent == shared


def test_a_runtime_folder_of_somebody_else_is_refused(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    me = os.getuid()
    theirs = shared.with_name(f"farm-{me + 1}")
    theirs.mkdir(mode=0o700)
    # Only root can give a folder away: here its maker is it who has become somebody else.
    monkeypatch.setattr(os, "getuid", lambda: me + 1)
    with pytest.raises(UsageError, match=f"{theirs} belongs to user {me}, not to you"), runs.started():
        pass


@pytest.mark.parametrize("kind", ["file", "link", "link to nothing"])
def test_something_else_in_the_place_of_the_runtime_folder_is_refused(shared: Path, kind: str) -> None:
    if kind == "file":
        shared.touch()
    else:
        (shared.parent / "theirs").mkdir()
        shared.symlink_to(shared.parent / ("theirs" if kind == "link" else "nothing"))
    with pytest.raises(UsageError, match=f"{shared} is no folder"), runs.started():
        pass


def test_the_state_lies_where_the_system_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert runs.state_home() == tmp_path / "farm"
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    for unusable in ("relative", ""):
        monkeypatch.setenv("XDG_STATE_HOME", unusable)
        assert runs.state_home() == tmp_path / "me/.local/state/farm"


@pytest.mark.usefixtures("homes")
def test_each_target_of_a_run_has_folders_of_its_own_that_go_with_it() -> None:
    names = ["app", "app@v1.2", "app@feature/x", "app@feature_x", "ap p", "..", ".", "buildx", "x" * 200]
    with runs.started() as run:
        parts = [run.of(name) for name in names]
        assert {part.id for part in parts} == {run.id}
        for whose in ("logs", "runtime", "spool"):
            found = {getattr(part, whose) for part in parts}
            assert len(found) == len(names)
            assert all(folder.is_dir() and folder.stat().st_mode & 0o077 == 0 for folder in found)
            assert all(folder.is_relative_to(getattr(run, whose)) for folder in found)
            assert getattr(run, whose) not in found
        assert parts[0].logs == run.logs / "app"
        assert all(part.buildx_config != run.buildx_config for part in parts)
    assert parts[0].logs.exists()
    assert not any(part.runtime.exists() or part.spool.exists() for part in parts)


@pytest.mark.usefixtures("homes")
def test_folders_of_a_target_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    with runs.started() as run:
        (run.logs / "app").touch()
        with pytest.raises(FarmError, match="cannot make the run's folders"):
            run.of("app")
