"""A context that is large by mistake: said with its size before a byte of it goes to a node."""

from __future__ import annotations

from pathlib import Path

import pytest

from farm.report.events import Event, Warned
from farm.sources.spec import Spec
from farm.workflow import prepare


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    (folder / "data").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    # It takes no room on the disk, but would be sent as it is read: 2 GB of zeros.
    with (folder / "data" / "dump").open("wb") as file:
        file.truncate(2_000_000_000)
    return folder


async def warnings(context: Path, spool: Path) -> list[str]:
    events: list[Event] = []
    await prepare.fetch(Spec(context=str(context)), spool, events.append)
    return [event.message for event in events if isinstance(event, Warned)]


async def test_two_gigabytes_are_warned_of(context: Path, tmp_path: Path) -> None:
    (warning,) = await warnings(context, tmp_path)
    assert warning.startswith("the context is 2.0 GB in ")
    assert warning.endswith(" files, sent to every node; is something missing in .dockerignore?")


async def test_what_is_ignored_is_not_counted(context: Path, tmp_path: Path) -> None:
    (context / ".dockerignore").write_text("data\n")
    assert await warnings(context, tmp_path) == []
