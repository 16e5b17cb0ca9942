"""Standard error as a service's: a stream into the journal, as the service manager names it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(("shift", "begin"), [(0, "<4>warning: notify: url 1 "), (1, "warning: notify: url 1 ")])
def test_only_the_journal_gets_priorities(tmp_path: Path, shift: int, begin: str) -> None:
    inventory = tmp_path / "inventory.yaml"
    inventory.write_text('nodes: {a: {host: a.lan}}\nnotify: {urls: ["json://127.0.0.1:1"]}\n')
    read, write = os.pipe()
    about = os.fstat(write)
    with open(read, "rb") as journal:  # noqa: PTH123 - a file descriptor
        with open(write, "wb") as stream:  # noqa: PTH123 - likewise
            subprocess.run(
                [sys.executable, "-m", "farm", "notify", "-i", inventory],
                env={**os.environ, "JOURNAL_STREAM": f"{about.st_dev}:{about.st_ino + shift}"},
                stdout=subprocess.PIPE,
                stderr=stream,
                timeout=60,
                check=False,
            )
        assert journal.read().decode().startswith(begin)
