"""One lab for all tests of this folder: real sshd, BuildKit and registry, brought up once and taken down at the end."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.farm.boards import ROOT, Boards, Lab
from tests.farm.command import Farm
from tests.farm.projects import Projects
from tests.farm.registry import Registry


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    # Short: sockets lie below it, and their paths have at most 107 bytes.
    directory = Path(tempfile.mkdtemp(prefix="lab-"))
    try:
        subprocess.run([ROOT / "scripts" / "lab", "up", "--dir", directory], check=True)
        yield Lab(directory=directory, registry=(directory / "registry").read_text().strip())
    finally:
        subprocess.run([ROOT / "scripts" / "lab", "down", "--dir", directory], check=True)


@pytest.fixture
def boards(lab: Lab) -> Iterator[Boards]:
    boards = Boards(lab)
    try:
        yield boards
    finally:
        boards.mend()


@pytest.fixture
def registry(lab: Lab) -> Registry:
    return Registry(lab.registry)


@pytest.fixture
def farm(lab: Lab) -> Iterator[Farm]:
    folder = Path(tempfile.mkdtemp(prefix="farm-"))
    try:
        yield Farm(folder=folder, inventory=lab.inventory)
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def name() -> str:
    """A repository that no other test uses."""
    return f"app-{secrets.token_hex(4)}"


@pytest.fixture
def project(tmp_path: Path, lab: Lab) -> Projects:
    return Projects(tmp_path, lab.base)
