from __future__ import annotations

import os
from pathlib import Path

import pytest

from farm.errors import UsageError
from farm.sources import context
from farm.sources.giturl import GitUrl


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, text: str = "FROM scratch\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_directory_is_a_directory_whatever_it_is_called(here: Path) -> None:
    (here / "github.com/me/repo").mkdir(parents=True)
    assert context.classify("github.com/me/repo") == here / "github.com/me/repo"
    assert context.classify(".") == here
    url = context.classify("github.com/me/other")
    assert isinstance(url, GitUrl)
    assert url.remote == "https://github.com/me/other.git"


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("-", "standard input"),
        ("", "the context is empty"),
        ("nosuch", "context nosuch: there is no such directory"),
        ("./git@host:x", "no such directory"),
        ("archive.tar", "is a file, not a directory"),
        ("http://host/context.tar.gz", "not a git repository's URL"),
    ],
)
def test_what_cannot_be_a_context(here: Path, argument: str, words: str) -> None:
    write(here / "archive.tar")
    with pytest.raises(UsageError, match=words) as error:
        context.classify(argument)
    assert error.value.fix


@pytest.mark.parametrize("name", ["Dockerfile", "dockerfile"])
def test_the_dockerfile_of_a_directory(here: Path, name: str) -> None:
    write(here / "app" / name, "FROM a:1\n")
    found = context.read(here / "app", None, start=here)
    assert (found.dockerfile, found.text, found.ignore_file) == (here / "app" / name, "FROM a:1\n", None)


def test_f_counts_from_the_current_directory(here: Path) -> None:
    write(here / "app" / "Dockerfile")
    other = write(here / "build" / "Other", "FROM b:1\n")
    assert context.read(here / "app", "build/Other", start=here).text == "FROM b:1\n"
    assert context.read(here / "app", str(other), start=here).dockerfile == other


@pytest.mark.parametrize(
    ("option", "words", "fix"),
    [
        ("Dockerfile", "does not exist", "-f counts from the current directory: -f"),
        ("nosuch", "does not exist", "check -f"),
        ("app", "is not a file", "check -f"),
        ("-", "from standard input", "save it to a file"),
        ("https://host/Dockerfile", "from a URL", "save it to a file"),
    ],
)
def test_a_dockerfile_that_cannot_be_used(here: Path, option: str, words: str, fix: str) -> None:
    write(here / "app" / "Dockerfile")
    with pytest.raises(UsageError, match=words) as error:
        context.read(here / "app", option, start=here)
    assert fix in (error.value.fix or "")


def test_no_dockerfile_names_the_place(here: Path) -> None:
    with pytest.raises(UsageError, match=f"there is no Dockerfile in {here}"):
        context.read(here, None, start=here)


def test_a_dockerfile_may_have_an_ignore_file_of_its_own(here: Path) -> None:
    write(here / "Dockerfile")
    write(here / ".dockerignore", "general\n")
    assert context.read(here, None, start=here).ignore.is_ignored("general")
    own = write(here / "Dockerfile.dockerignore", "special\n")
    found = context.read(here, None, start=here)
    assert found.ignore_file == own
    assert (found.ignore.is_ignored("special"), found.ignore.is_ignored("general")) == (True, False)


def test_a_mistake_in_the_ignore_file_names_its_line(here: Path) -> None:
    write(here / "Dockerfile")
    write(here / ".dockerignore", "ok\n[a\n")
    with pytest.raises(UsageError, match=rf"{here}/\.dockerignore:2: "):
        context.read(here, None, start=here)


def test_a_huge_dockerfile_is_not_read(here: Path) -> None:
    path = write(here / "Dockerfile")
    os.truncate(path, 9 * 1024 * 1024)
    with pytest.raises(UsageError, match="larger than 8 MiB"):
        context.read(here, None, start=here)


def test_a_checkout_reads_nothing_outside_of_itself(here: Path) -> None:
    secret = write(here / "secret", "hidden\n")
    tree = here / "tree"
    tree.mkdir()
    (tree / "Dockerfile").symlink_to(secret)
    with pytest.raises(UsageError, match="leads out of it"):
        context.read(tree, None, start=tree, checkout=tree)
    with pytest.raises(UsageError, match="leads out of it"):
        context.read(tree, "../secret", start=tree, checkout=tree)
    (tree / "Dockerfile").unlink()
    write(tree / "Dockerfile")
    (tree / ".dockerignore").symlink_to(secret)
    with pytest.raises(UsageError, match="leads out of it"):
        context.read(tree, None, start=tree, checkout=tree)


def test_a_dockerfile_that_was_given_as_a_text(here: Path) -> None:
    write(here / "tree" / "Dockerfile", "FROM other\n")
    write(here / "tree" / ".dockerignore", "*.log\n")
    inline = context.written("FROM scratch\n", here / "run" / "inline")
    found = context.read(here / "tree", None, start=here / "tree", checkout=here / "tree", inline=inline)
    assert (found.text, found.dockerfile) == ("FROM scratch\n", inline)
    assert found.ignore.is_ignored("a.log")
    # Written anew for another target.
    assert context.written("FROM two\n", here / "run" / "inline").read_text() == "FROM two\n"
