"""What `farm prune` does with what it is told, before any node is asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FARM = str(Path(sys.executable).with_name("farm"))
AWAY = "nodes: {z1: {host: 127.0.0.1, port: 1}}\n"


def farm(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FARM, "prune", *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "XDG_STATE_HOME": str(folder / "state")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nothing says what to clean up"),
        (("--dry-run",), "nothing says what to clean up"),
        (("--filter", "until"), "it is not KEY=VALUE"),
        (("--filter", "until=soon"), "it is not a time"),
        (("--filter", "until=24h", "--filter", "until=2d"), "can be given once"),
        (("--max-used-space", "much"), "write 512MB or 10GB"),
        (("--keep-runs", "0"), "x>=1"),
        (("--all", "--node", "pi4"), "no node and no label 'pi4' in the inventory"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "inventory.yaml").write_text(AWAY)
    done = farm(tmp_path, *arguments)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr


def test_a_node_that_is_away_is_an_error_and_the_rest_is_done(tmp_path: Path) -> None:
    (tmp_path / "inventory.yaml").write_text(AWAY)
    (tmp_path / "state" / "farm" / "runs" / "20250301-020000-1a2b").mkdir(parents=True)
    done = farm(tmp_path, "--all", "--keep-runs", "1", "--registry", "--json", "--timeout", "2")
    assert done.returncode == 4, done.stderr
    document = json.loads(done.stdout)
    assert document["exit_code"] == 4
    assert document["repositories"] == []
    assert document["runs"] == {"runs": [], "freed": 0, "inodes_freed": 0}
    (node,) = document["nodes"]
    assert (node["node"], node["freed"]) == ("z1", 0)
    assert node["error"]["what"].startswith("z1 (127.0.0.1:1): ")


def test_options_are_done_alone_and_without_them_what_the_inventory_says(tmp_path: Path) -> None:
    (tmp_path / "inventory.yaml").write_text(AWAY + "housekeeping: {cache_age: 14d, keep_runs: 5}\n")
    assert farm(tmp_path, "--timeout", "2").returncode == 4
    done = farm(tmp_path, "--keep-runs", "5")
    assert (done.returncode, done.stdout) == (0, "logs: none is to go\n")


def test_a_node_that_sleeps_is_not_woken(tmp_path: Path) -> None:
    (tmp_path / "inventory.yaml").write_text("nodes: {z1: {host: 192.0.2.1, power: {wake: ['touch', 'woken']}}}\n")
    done = farm(tmp_path, "--all", "--timeout", "0.5")
    assert (done.returncode, done.stdout) == (0, "z1: asleep; it is not woken for that\n")
    assert not (tmp_path / "woken").exists()
