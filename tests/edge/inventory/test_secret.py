"""A secret of the inventory is read where it stands, and no error shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from farm.errors import UsageError
from farm.inventory.secret import Secret


def test_a_secret_is_read_from_where_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from a file\n")
    environment = {"TOKEN": "from a variable "}
    assert Secret(variable="TOKEN").read(environment) == "from a variable"
    assert Secret(file=file).read({}) == "from a file"
    assert Secret(text="as it is").read({}) == "as it is"
    assert "as it is" not in repr(Secret(text="as it is"))


@pytest.mark.parametrize(("content", "reason"), [(b" \n", "holds no value"), (b"hid\nden", "holds more than one line")])
def test_a_file_that_holds_something_else(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        Secret(file=file).read()
    assert (caught.value.what, caught.value.fix) == (
        f"the file {file}, which the inventory names, {reason}",
        "write it there, in one line",
    )


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff")
    for name, reason in (("none", "No such file or directory"), (".", "Is a directory"), ("binary", "it is not text")):
        with pytest.raises(UsageError) as caught:
            Secret(file=tmp_path / name).read()
        assert caught.value.what == f"the file {tmp_path / name}, which the inventory names, cannot be read: {reason}"


def test_a_variable_that_is_not_set() -> None:
    for environment in ({}, {"TOKEN": ""}):
        with pytest.raises(UsageError) as caught:
            Secret(variable="TOKEN").read(environment)
        assert caught.value.what == "the variable TOKEN, which the inventory names, holds no value"
        assert caught.value.fix == "export TOKEN"
