"""A small farm for all tests of this folder, and a run of farm for each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edge.build.small_farm import Run, SmallFarm, small_farm


@pytest.fixture(scope="session")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallFarm]:
    """Started once: a daemon and its cache serve all tests, as they do at home."""
    with small_farm(tmp_path_factory.mktemp("farm")) as running:
        yield running


@pytest.fixture
def run(farm: SmallFarm, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run with an empty home and a repository of its own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("DOCKER_CONFIG", "BUILDX_CONFIG", "BUILDX_BUILDER"):
        monkeypatch.delenv(name, raising=False)
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")
    return Run(farm=farm, folder=tmp_path, repository=f"{farm.registry.domain}/{name}")
