"""What is rendered is what the loader reads back, whatever boards are called elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.errors import UsageError
from farm.init.candidates import Candidate, from_argument
from farm.init.names import named
from farm.init.render import Entry, inventory
from farm.inventory.check import parse
from farm.platforms import parse as platform


def _loaded(*entries: Entry, user: str | None = None) -> dict[str, object]:
    text = inventory(entries, user=user, key=None)
    return dict(parse(text, "new", base=Path("/base"), home=Path("/home/me")).nodes)


def test_all_that_a_candidate_has_is_there() -> None:
    board = Candidate(
        name="pi4",
        host="fe80::1%eth0",
        port=2222,
        user="pi",
        key="~/.ssh/id",
        jump="me@gate.lan",
        labels=("boards", "on"),
    )
    (node,) = _loaded(Entry(candidate=board, platforms=(platform("linux/arm64"), platform("linux/arm/v7")))).values()
    assert node.host == "fe80::1%eth0"  # type: ignore[attr-defined] # a Node of the inventory
    assert (node.port, node.user, node.key) == (2222, "pi", Path("/home/me/.ssh/id"))  # type: ignore[attr-defined]
    assert (node.jump, node.labels) == ("me@gate.lan", ("boards", "on"))  # type: ignore[attr-defined]
    assert [str(each) for each in node.platforms] == ["linux/arm64", "linux/arm/v7"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["on", "null", "1.5", "0755", "1e3", "z_1", "a.b"])
def test_names_that_yaml_would_read_as_something_else(name: str) -> None:
    assert list(_loaded(Entry(candidate=Candidate(name=name, host="h")))) == [name]


def test_a_comment_stays_a_comment_whatever_is_in_it() -> None:
    awake = Entry(candidate=Candidate(name="z1", host="z1"))
    away = Entry(
        candidate=Candidate(name="pi4", host="pi4", labels=("a",)),
        notes=("no answer: \x1b[31mbad\nnodes: {}\r\nhost: evil",),
        is_active=False,
    )
    text = inventory([away, awake], user="farm", key=None)
    assert list(_loaded(away, awake)) == ["z1"]
    assert "\x1b" not in text
    assert next(line for line in text.splitlines() if "evil" in line).startswith("  # ")
    # Without the marks it is a node like the others.
    assert set(parse(re.sub(r"^  # (?!no answer)", "  ", text, flags=re.MULTILINE), "new").nodes) == {"pi4", "z1"}


@given(st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=8))
def test_whatever_boards_are_called_each_gets_a_name_of_its_own(words: list[str]) -> None:
    boards = named([Candidate(name=word, host=f"h{at}", labels=(word,)) for at, word in enumerate(words)])
    assert len(boards) == len(words)
    loaded = _loaded(*(Entry(candidate=board) for board in boards))
    assert list(loaded) == [board.name for board in boards]


def test_the_same_board_from_two_sources_comes_once() -> None:
    boards = [Candidate(name="pi4", host="pi4.lan"), Candidate(name="home0", host="PI4.lan")]
    assert [board.name for board in named(boards)] == ["pi4"]


def test_two_boards_of_one_name_keep_apart() -> None:
    boards = [Candidate(name="Pi 4", host="a"), Candidate(name="pi-4", host="b"), Candidate(name="pi-4", host="c")]
    assert [board.name for board in named(boards)] == ["pi-4", "pi-4-2", "pi-4-3"]


@pytest.mark.parametrize(
    ("text", "name", "host", "port", "user"),
    [
        ("pi4.lan", "pi4", "pi4.lan", None, None),
        ("pi@pi4.lan:2222", "pi4", "pi4.lan", 2222, "pi"),
        ("z1=192.168.1.21", "z1", "192.168.1.21", None, None),
        ("192.168.1.21:22", "192.168.1.21", "192.168.1.21", 22, None),
        ("::1", "::1", "::1", None, None),
        ("v6=me@[fe80::1%eth0]:22", "v6", "fe80::1%eth0", 22, "me"),
        ("2001:db8::1:22", "2001:db8::1:22", "2001:db8::1:22", None, None),
    ],
)
def test_hosts_on_the_command_line(text: str, name: str, host: str, port: int | None, user: str | None) -> None:
    found = from_argument(text)
    assert (found.name, found.host, found.port, found.user) == (name, host, port, user)
    assert found.is_named


@pytest.mark.parametrize("text", ["", "a b", "me@", "[::1", "pi4:port", "=pi4", "ssh://pi4"])
def test_what_is_no_host(text: str) -> None:
    with pytest.raises(UsageError, match="is not a host"):
        from_argument(text)
