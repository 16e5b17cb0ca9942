"""The guard against I/O in unit tests bites."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from tests.unit.conftest import IoInUnitTestError


def test_a_file_outside_the_tests_cannot_be_read() -> None:
    with pytest.raises(IoInUnitTestError):
        Path("/etc/hostname").read_text()


def test_nothing_can_be_written() -> None:
    with pytest.raises(IoInUnitTestError):
        Path(__file__).with_suffix(".new").write_text("x")


def test_no_process_can_be_started() -> None:
    with pytest.raises(IoInUnitTestError):
        subprocess.run(["true"], check=False)


def test_no_connection_can_be_made() -> None:
    with pytest.raises(IoInUnitTestError), socket.socket() as connection:
        connection.connect(("127.0.0.1", 9))
