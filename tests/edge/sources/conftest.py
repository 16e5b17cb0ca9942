"""A repository served by a git daemon, and nobody's own git settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edge.registry.docker_registry import free_port
from tests.edge.sources.repository import Daemon, Repository


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's own git settings."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    (tmp_path / "served").mkdir()
    running = Daemon(tmp_path / "served", free_port())
    yield running
    running.stop()


@pytest.fixture
def repository(tmp_path: Path, daemon: Daemon) -> Repository:
    return Repository(tmp_path / "served" / "repo")
