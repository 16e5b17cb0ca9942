"""A registry with a base image in it for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.edge.home.nodes import put_base
from tests.edge.registry import docker_registry
from tests.edge.registry.docker_registry import Registry


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    running = docker_registry.start(tmp_path_factory.mktemp("registry"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def base(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image's name in its registry."""
    return put_base(registry.domain, tmp_path_factory.mktemp("base"))
