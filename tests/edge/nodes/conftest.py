"""Real servers for these tests, and a home directory of their own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.edge.nodes import board, openssh
from tests.edge.nodes.board import Board
from tests.edge.nodes.buildkit import Buildkitd
from tests.edge.nodes.openssh import Sshd

StartSshd = Callable[..., Sshd]
StartBoard = Callable[..., Board]


@pytest.fixture
def start_sshd(tmp_path: Path) -> Iterator[StartSshd]:
    """Start a server; keyword arguments become lines of its sshd_config."""
    servers: list[Sshd] = []

    def start(**settings: str) -> Sshd:
        servers.append(openssh.start(tmp_path / f"sshd{len(servers)}", **settings))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def sshd(start_sshd: StartSshd) -> Sshd:
    """A server with nothing special."""
    return start_sshd()


@pytest.fixture
def start_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StartBoard]:
    """Start a board of one's own; keyword arguments are those of `board.start`."""
    boards: list[Board] = []

    def start(**options: str) -> Board:
        boards.append(board.start(tmp_path / f"board{len(boards)}", monkeypatch, **options))
        return boards[-1]

    yield start
    for each in boards:
        each.sshd.stop()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home directory, and no agent: whoever runs the tests has keys and settings of his own."""
    directory = tmp_path / "home"
    (directory / ".ssh").mkdir(parents=True, mode=0o700)
    monkeypatch.setenv("HOME", str(directory))
    for name in ("SSH_AUTH_SOCK", "BUILDKIT_HOST", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    return directory


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory whose path is short enough for a Unix socket."""
    with tempfile.TemporaryDirectory(prefix="farm-") as directory:
        yield Path(directory)


@pytest.fixture(scope="session")
def buildkitd() -> Iterator[Path]:
    """The socket of a real buildkitd."""
    with tempfile.TemporaryDirectory(prefix="farm-bk-") as name:
        socket_path = Path(name, "buildkitd.sock")
        with Buildkitd(socket_path, Path(name, "root")):
            yield socket_path
