from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from farm.errors import UsageError
from farm.sources.fingerprint import changes, take
from farm.sources.ignore import Ignore, parse


def tree(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


async def test_what_the_ignore_file_lets_through(tmp_path: Path) -> None:
    tree(tmp_path, "a", "src/b", "src/c.log", "out/x", "out/keep/y", "node_modules/deep/z")
    found = await take(tmp_path, parse("**/*.log\nout\n!out/keep\nnode_modules"))
    assert sorted(found.files) == ["a", "out/keep", "out/keep/y", "src", "src/b"]
    assert (found.count, found.size) == (3, len("a" + "src/b" + "out/keep/y"))


async def test_changes_are_noticed(tmp_path: Path) -> None:
    tree(tmp_path, "same", "content", "mode", "gone", "dir/inner", "ignored")
    (tmp_path / "link").symlink_to("same")
    ignore = parse("ignored")
    before = await take(tmp_path, ignore)
    assert changes(before, await take(tmp_path, ignore)) == ()
    (tmp_path / "content").write_text("changed")
    (tmp_path / "mode").chmod(0o755)
    (tmp_path / "gone").unlink()
    (tmp_path / "ignored").write_text("changed")
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("mode")
    tree(tmp_path, "dir/new")
    assert changes(before, await take(tmp_path, ignore)) == ("content", "dir/new", "gone", "link", "mode")


async def test_a_touched_file_of_the_same_size_is_noticed(tmp_path: Path) -> None:
    tree(tmp_path, "a")
    before = await take(tmp_path, Ignore())
    os.utime(tmp_path / "a", ns=(1, 1))
    assert changes(before, await take(tmp_path, Ignore())) == ("a",)


async def test_the_dockerfile_counts_though_it_is_ignored_or_elsewhere(tmp_path: Path) -> None:
    tree(tmp_path, "context/a", "Dockerfile")
    dockerfile = tmp_path / "Dockerfile"
    before = await take(tmp_path / "context", Ignore(), [dockerfile, tmp_path / "nosuch"])
    dockerfile.write_text("changed")
    assert changes(before, await take(tmp_path / "context", Ignore(), [dockerfile])) == (str(dockerfile),)


async def test_links_are_not_followed(tmp_path: Path) -> None:
    tree(tmp_path, "outside/secret", "context/a")
    (tmp_path / "context" / "out").symlink_to(tmp_path / "outside")
    (tmp_path / "context" / "loop").symlink_to(".")
    assert sorted((await take(tmp_path / "context", Ignore())).files) == ["a", "loop", "out"]


async def test_special_files_do_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert list((await take(tmp_path, Ignore())).files) == ["pipe"]


async def test_a_directory_that_cannot_be_read(tmp_path: Path) -> None:
    # A name that is too long is refused to everybody, root too.
    with pytest.raises(UsageError, match="cannot be read: File name too long"):
        await take(tmp_path / ("x" * 300), Ignore())


async def test_a_large_tree_is_quick_and_a_cancelled_look_ends_at_once(tmp_path: Path) -> None:
    for number in range(50):
        directory = tmp_path / str(number)
        directory.mkdir()
        for inner in range(100):
            (directory / str(inner)).touch()
    start = time.monotonic()
    found = await take(tmp_path, parse("*.log\n**/*.tmp\n!keep"))
    assert found.count == 5_000
    assert time.monotonic() - start < 5
    task = asyncio.create_task(take(tmp_path, parse("**/*.tmp")))
    await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    start = time.monotonic()
    await asyncio.get_running_loop().shutdown_default_executor()
    assert time.monotonic() - start < 0.2


async def test_folders_may_be_nested_as_deep_as_the_system_allows(tmp_path: Path) -> None:
    folders = [tmp_path / "d"]
    while len(folders) < 1500:
        folders.append(folders[-1] / "d")
    for folder in folders:
        folder.mkdir()
    try:
        assert len((await take(tmp_path, parse("*.log"))).files) == len(folders)
    finally:
        for folder in reversed(folders):  # shutil would go down by recursion
            folder.rmdir()
