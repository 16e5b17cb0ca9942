"""One lab for all tests of this folder: real sshd, BuildKit and registry, brought up once and taken down at the end."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.farm.boards import ROOT, Boards, Lab, as_root
from tests.farm.command import Farm
from tests.farm.nights import Home, serve, settle
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


@pytest.fixture
def machine_id(lab: Lab) -> Iterator[None]:
    """The lab's boards have no machine-id; each gets one of its own, as a board with systemd has."""
    files = []
    for number, node in enumerate(("pi4", "z1", "z2")):
        init = lab.process(node, "init").pid
        files.append((f"/proc/{init}/root/run/board/root/etc/machine-id", f"{number}" * 32))
    for file, text in files:
        as_root("sh", "-c", f"echo {text} >{file}")
    yield
    for file, _ in files:
        as_root("rm", file)


@pytest.fixture
def home(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    folder = Path(tempfile.mkdtemp(prefix="farm-"))
    settle(monkeypatch, folder)
    daemon = serve(folder / "git")
    found = Home(lab, folder, folder / "git", daemon.url)
    try:
        with found.services, found.between:
            yield found
    finally:
        daemon.stop()
        shutil.rmtree(folder)
