from __future__ import annotations

import resource
from pathlib import Path

import pytest

from farm.platforms import Platform
from farm.registry import memory
from farm.registry.verify import Checked

ARM = Platform("linux", "arm", "v7")


def checked(name: str, elf: str | None = "arm, EABI5") -> Checked:
    return Checked(platform=ARM, digest=f"sha256:{name}", elf=elf, program="/app" if elf else None, note="n")


def test_what_is_stored_is_loaded_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "verified.json"
    memory.store(path, [checked("a"), checked("b", None)])
    memory.store(path, [checked("c")])
    assert memory.load(path) == {item.digest: item for item in (checked("a"), checked("b", None), checked("c"))}
    assert [file.name for file in path.parent.iterdir()] == ["verified.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{oops",
        "[]",
        "{}",
        '{"version": 2, "images": {}}',
        '{"version": 1, "images": []}',
        '{"version": 1, "images": {"a": {}}}',
        '{"version": 1, "images": {"a": {"platform": "no", "elf": null, "program": null, "note": ""}}}',
    ],
)
def test_a_broken_file_remembers_nothing_and_is_replaced(tmp_path: Path, text: str) -> None:
    path = tmp_path / "verified.json"
    path.write_text(text)
    assert memory.load(path) == {}
    memory.store(path, [checked("a")])
    assert list(memory.load(path)) == ["sha256:a"]


def test_the_oldest_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "verified.json"
    memory.store(path, [checked(str(number)) for number in range(2001)])
    memory.store(path, [checked("1")])
    kept = list(memory.load(path))
    assert (len(kept), kept[0], kept[-1]) == (2000, "sha256:2", "sha256:1")


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "state" / "verified.json"
    memory.store(path, [checked("a")])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))  # the disk is full, as far as this process can tell
    try:
        with pytest.raises(OSError, match="File too large"):
            memory.store(path, [checked("b")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(memory.load(path)) == ["sha256:a"]
    assert [file.name for file in path.parent.iterdir()] == ["verified.json"]
