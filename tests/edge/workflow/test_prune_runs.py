"""The logs of old runs are deleted, and those of a run that may still go on are not."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from farm.workflow.prune_runs import RunsPruned, prune_runs

NAMES = [f"2025030{day}-020000-1a2b" for day in range(1, 7)]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Six runs, each with a log and a folder of a target; the second was written to just now."""
    for number, name in enumerate(NAMES):
        folder = tmp_path / "runs" / name / "target"
        folder.mkdir(parents=True)
        (folder / "pi4.log").write_text("x" * 10_000)
        old = time.time() - 86400
        for each in (folder / "pi4.log", folder, folder.parent):
            os.utime(each, (old, old) if number != 1 else None)
    return tmp_path


def left(home: Path) -> list[str]:
    return sorted(folder.name for folder in (home / "runs").iterdir())


def test_the_newest_stay_and_so_does_one_that_goes_on(home: Path) -> None:
    said = prune_runs(3, dry_run=True, home=home)
    assert left(home) == NAMES
    done = prune_runs(3, home=home)
    assert said == done
    assert done.runs == (NAMES[0], NAMES[2])
    assert done.inodes == 2 * 3
    assert done.freed >= 2 * 10_000
    assert left(home) == [NAMES[1], *NAMES[3:]]
    assert prune_runs(3, home=home) == RunsPruned()


def test_where_there_are_few_none_goes(home: Path, tmp_path: Path) -> None:
    assert prune_runs(6, home=home) == RunsPruned()
    assert prune_runs(1, home=tmp_path / "nothing") == RunsPruned()


def test_a_link_is_no_run_and_what_it_names_stays(home: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    (home / "runs" / "20250101-000000-link").symlink_to(precious)
    assert "20250101-000000-link" not in prune_runs(1, home=home).runs
    assert (precious / "file").exists()
