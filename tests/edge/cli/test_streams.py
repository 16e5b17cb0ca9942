"""Odd terminals and closed streams end no command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FARM = [str(Path(sys.executable).with_name("farm"))]
INVENTORY = "nodes: {nobody: {host: 127.0.0.1, port: 1}}\n"


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "inventory.yaml"
    path.write_text(INVENTORY)
    return path


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_a_closed_stream_ends_no_command(inventory: Path, redirection: str) -> None:
    command = f'exec "$0" nodes -i "$1" {redirection}'
    done = subprocess.run(["sh", "-c", command, *FARM, str(inventory)], capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr


def test_a_locale_without_the_marks_gets_others(inventory: Path) -> None:
    environment = os.environ | {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [*FARM, "nodes", "-i", str(inventory)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 4, done.stderr
    assert "nobody" in done.stdout


def test_help_is_there_before_anybody_wonders() -> None:
    """What `--help` loads is what makes it slow on a board: none of the heavy modules."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "farm", "--help"], capture_output=True, text=True, check=True
    )
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert not loaded & {"asyncssh", "httpx", "rich", "pydantic", "yaml", "tenacity", "sqlite3", "asyncio"}
