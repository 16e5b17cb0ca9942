import asyncio
import os
from pathlib import Path

import pytest

from farm.errors import UsageError
from farm.sources import content, fingerprint
from farm.sources.ignore import Ignore, parse


def look(root: Path, ignore: Ignore | None = None) -> str:
    async def both() -> str:
        return await content.digest(root, await fingerprint.take(root, ignore or Ignore()))

    return asyncio.run(both())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.c").write_text("int main;")
    (tmp_path / "run.sh").write_text("#!/bin/sh")
    (tmp_path / "link").symlink_to("run.sh")
    (tmp_path / "notes.md").write_text("private")
    return tmp_path


def test_a_file_that_is_written_anew_is_the_same(root: Path) -> None:
    before = look(root)
    (root / "run.sh").write_text("#!/bin/sh")
    os.utime(root / "src" / "main.c", (1, 1))
    assert look(root) == before
    assert len(before) == 64


def test_whatever_is_sent_counts(root: Path) -> None:
    seen = {look(root)}

    def again(what: str) -> None:
        found = look(root)
        assert found not in seen, what
        seen.add(found)

    (root / "run.sh").write_text("#!/bin/dash")
    again("content")
    (root / "run.sh").chmod(0o755)
    again("mode")
    (root / "link").unlink()
    (root / "link").symlink_to("src/main.c")
    again("where a link leads")
    (root / "src" / "main.c").rename(root / "src" / "other.c")
    again("name")
    (root / "empty").mkdir()
    again("an empty folder")
    os.mkfifo(root / "pipe")
    again("a pipe, which is not read")


def test_what_dockerignore_leaves_out_does_not_count(root: Path) -> None:
    ignore = parse("*.md\n", ".dockerignore")
    before = look(root, ignore)
    (root / "notes.md").write_text("changed")
    assert look(root, ignore) == before


def test_names_that_are_no_text(root: Path) -> None:
    (root / os.fsdecode(b"\xff\xfe")).write_text("x")
    assert len(look(root)) == 64


def test_the_border_between_names_and_contents_counts(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "xy").write_text("z")
    (tmp_path / "b" / "x").write_text("yz")
    assert look(tmp_path / "a") != look(tmp_path / "b")


def test_a_file_that_goes_while_it_is_looked_at_is_an_error_in_words(root: Path) -> None:
    found = asyncio.run(fingerprint.take(root, Ignore()))
    (root / "run.sh").unlink()
    with pytest.raises(UsageError, match=r"run\.sh cannot be read"):
        asyncio.run(content.digest(root, found))
