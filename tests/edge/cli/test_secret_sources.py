"""Secrets that are there, and those that are not, before any node is asked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from farm.cli.secret_sources import check
from farm.errors import UsageError


def test_a_file_is_there(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cr3t")
    check((f"id=tok,src={tmp_path}/token",))
    with pytest.raises(UsageError, match="No such file"):
        check((f"id=tok,src={tmp_path}/absent",))


def test_a_pipe_is_refused_before_it_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is a pipe"):
        check((f"id=tok,src={tmp_path}/pipe",))
