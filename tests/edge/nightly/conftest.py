"""A real registry for these tests, and nobody's own logins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edge.registry import docker_registry
from tests.edge.registry.docker_registry import Registry


@pytest.fixture(autouse=True)
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty Docker configuration directory."""
    (tmp_path / "docker").mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry without TLS and without a login."""
    running = docker_registry.start(tmp_path_factory.mktemp("registry"))
    yield running
    running.stop()
