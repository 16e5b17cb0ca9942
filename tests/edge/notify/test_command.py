"""`farm notify`: whether everybody can be told, tried before a night needs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from farm.errors import Exit
from tests.edge.registry.http_server import Answer, Server

SECRET = "p1antedT0kenValue"  # farm must never say it


def farm(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "farm", "notify", *arguments],
        cwd=folder,
        env={**os.environ, "HOOK": "json://127.0.0.1:1/" + SECRET, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert SECRET not in done.stdout + done.stderr
    return done


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    return tmp_path / "inventory.yaml"


def test_everybody_is_told_and_who_could_not_be_is_said(inventory: Path) -> None:
    with Server(lambda asked: Answer(body=b"OK")) as server:
        secret = inventory.with_name("gotify")
        secret.write_text(f"gotify://{server.domain}/{SECRET}\n")
        urls, ping = f'["file:{secret}", "$HOOK"]', f"http://{server.domain}/{SECRET}"
        inventory.write_text(f"nodes: {{a: {{host: a.lan}}}}\nnotify: {{urls: {urls}, ping: '{ping}'}}\n")
        done = farm(inventory.parent)
        paths = sorted(asked.path for asked in server.asked)

    assert (done.returncode, done.stdout) == (Exit.UNREACHABLE, "told 2 of 3\n")
    assert done.stderr == "warning: notify: url 2 (JSON): nothing listens there (connection refused)\n"
    assert paths == ["/message", f"/{SECRET}", f"/{SECRET}/start"]


def test_an_inventory_that_names_nobody_is_said(inventory: Path) -> None:
    inventory.write_text("nodes: {a: {host: a.lan}}\n")
    done = farm(inventory.parent, "--json")
    assert done.returncode == Exit.USAGE
    assert json.loads(done.stdout)["error"]["what"] == "inventory.yaml names nobody to tell"
