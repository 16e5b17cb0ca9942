"""A history in an empty folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.history.history import History


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where it is; its folder does not exist yet."""
    return tmp_path / "state" / "farm" / "history.db"


@pytest.fixture
def history(path: Path) -> Iterator[History]:
    """A new one."""
    with History.open(path) as opened:
        yield opened
