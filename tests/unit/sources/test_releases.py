from __future__ import annotations

import random

import pytest

from farm.sources import releases
from farm.sources.releases import heads, parse


@pytest.mark.parametrize(
    ("name", "folder", "numbers", "pre", "build"),
    [
        ("v1.2.3", "", "1 2 3", "", ""),
        ("1.2.3", "", "1 2 3", "", ""),
        ("V1.2", "", "1 2", "", ""),
        ("v1", "", "1", "", ""),
        ("v1.2.3-rc.1", "", "1 2 3", "rc.1", ""),
        ("v1.2.3-rc.1+5", "", "1 2 3", "rc.1", "5"),
        ("v1.2.3+build.7", "", "1 2 3", "", "build.7"),
        ("v4.0.10.2544", "", "4 0 10 2544", "", ""),
        ("2024.01.05", "", "2024 01 05", "", ""),
        ("tool/v1.2.3", "tool/", "1 2 3", "", ""),
        ("a/b/1.0", "a/b/", "1 0", "", ""),
    ],
)
def test_versions(name: str, folder: str, numbers: str, pre: str, build: str) -> None:
    found = parse(name)
    assert found
    assert (found.folder, " ".join(found.numbers), found.pre, found.build) == (folder, numbers, pre, build)
    assert str(found) == name.rpartition("/")[2].lstrip("vV")


@pytest.mark.parametrize(
    "name", ["main", "v", "version1", "v1.", "v1..2", "1.2.3 ", "v1.2.3-", "v1.x", "release", "", "v-1"]
)
def test_other_names_are_none(name: str) -> None:
    assert parse(name) is None


def test_the_order_is_that_of_the_specification() -> None:
    names = [
        *("a9", "a10", "main"),  # no versions, as people count
        *("v0.9", "v1.0.0-alpha", "v1.0.0-alpha.1", "v1.0.0-alpha.beta", "v1.0.0-beta", "v1.0.0-beta.2"),
        *("v1.0.0-beta.11", "v1.0.0-rc.1", "v1.0.0", "v1.2", "v1.2.0.1", "v1.9.0", "v1.10.0", "v2"),
    ]
    shuffled = list(names)
    random.Random(7).shuffle(shuffled)
    assert sorted(shuffled, key=releases.key) == names


def lead(*names: str) -> dict[str, str]:
    """The highest release of each line, by the line's numbers."""
    return {folder + ".".join(map(str, numbers)): str(release) for (folder, numbers), release in heads(names).items()}


def test_the_highest_of_each_line() -> None:
    assert lead("v1.2.3", "v1.2.10", "v1.3.0-rc.1", "main", "v2.0.0") == {
        "": "2.0.0",
        "1": "1.2.10",
        "1.2": "1.2.10",
        "1.2.3": "1.2.3",
        "1.2.10": "1.2.10",
        "2": "2.0.0",
        "2.0": "2.0.0",
        "2.0.0": "2.0.0",
    }


def test_folders_are_lines_of_their_own() -> None:
    found = lead("a/v1.0", "b/v2.0")
    assert (found["a/"], found["b/"]) == ("1.0", "2.0")
    assert "" not in found


def test_a_line_that_is_a_release_itself_is_that_ones() -> None:
    found = lead("v1.2", "v1.2.1", "v1.2.2")
    assert (found["1.2"], found["1"], found[""]) == ("1.2", "1.2.2", "1.2.2")


def test_no_release_has_no_line() -> None:
    assert lead("main", "v1.0.0-rc.1") == {}
