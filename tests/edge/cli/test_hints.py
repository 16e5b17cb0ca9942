"""What people type by habit gets an answer that helps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FARM = str(Path(sys.executable).with_name("farm"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("biuld",), "Did you mean 'build'?"),
        (("nodes", "z1"), "farm nodes --node z1"),
        (("build", ".", "--load"), "docker load"),
        (("build", ".", "-t", "reg.lan/app:1", "--resume", "yesterday"), "farm history"),
        (("build", ".", "--resume"), "add -t, or leave --resume out"),
        (("build", ".", "--silence", "soon"), "write 90s, 15m or 2h"),
        (("build", ".", "--platform", "linux/amd46"), "unknown architecture"),
        (
            ("build", ".", "--platform", "linux/amd64", "--allow-missing", "linux/arm64"),
            "--allow-missing linux/arm64: --platform does not ask for it",
        ),
        (("build", ".", "-t", "reg.lan/App:1"), "write app"),
        (("build", ".", "-t", "reg.lan/app@sha256:" + "0" * 64), "leave out what follows @"),
        (("build", ".", "--push"), "add -t"),
        (("build", ".", "--output", "type=docker"), "docker load"),
        (("build", "/no/such/folder"), "there is no such directory"),
        (("plan", "/no/such/folder"), "there is no such directory"),
        (("build", "-"), "give a directory or a git URL"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_habit_gets_an_answer(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "inventory.yaml").write_text("nodes: {z1: {host: 127.0.0.1, port: 1, platforms: [linux/amd64]}}\n")
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    done = subprocess.run(
        [FARM, *arguments],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
