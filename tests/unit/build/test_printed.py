from __future__ import annotations

import pytest

from farm.build.printed import LONGEST_LINE, Lines


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (b"one\ntwo\n", ["one", "two"]),
        (b"\n\n", ["", ""]),
        (b"crlf\r\n", ["crlf"]),
        (b"10%\r20%\r30%\n", ["30%"]),
        (b"10%\r20%\r\n", ["20%"]),
        (b"tab\tstays\n", ["tab\tstays"]),
        (b"\x1b[1;31mred\x1b[0m\n", ["red"]),
        (b"\x1b]0;title\x07text\x1b]8;;http://x\x1b\\link\n", ["textlink"]),
        (b"bell\x07 back\x08 nul\x00 esc\x1bc\n", ["bell back nul esc"]),
        ("\u009b31mc1\n".encode(), ["31mc1"]),
        ("gr\u00fc\u00df\n".encode(), ["gr\u00fc\u00df"]),
        (b"\xff\xfe\n", ["\ufffd\ufffd"]),
    ],
)
def test_whole_lines(text: bytes, lines: list[str]) -> None:
    assert Lines().feed(text) == lines


@pytest.mark.parametrize("text", [b"one\r\ntwo\rthree\n", "\u00e4\u00f6\u00fc\n\u20ac\n".encode()])
def test_it_does_not_matter_how_the_bytes_are_cut(text: bytes) -> None:
    whole = Lines().feed(text)
    for cut in range(len(text)):
        lines = Lines()
        assert lines.feed(text[:cut]) + lines.feed(text[cut:]) == whole


def test_a_last_line_without_an_end_is_not_lost() -> None:
    lines = Lines()
    assert lines.feed(b"no end") == []
    assert lines.flush() == ["no end"]
    assert lines.flush() == []


def test_half_a_character_at_the_end_is_shown_as_such() -> None:
    lines = Lines()
    lines.feed("\u20ac".encode()[:2])
    assert lines.flush() == ["\ufffd"]


def test_a_progress_bar_without_an_end_does_not_grow() -> None:
    lines = Lines()
    for percent in range(100_000):
        assert lines.feed(b"\r%d" % percent) == []
    assert lines.flush() == ["99999"]


def test_a_line_without_an_end_is_passed_on_in_pieces() -> None:
    pieces = Lines().feed(b"x" * (2 * LONGEST_LINE + 1))
    assert [len(piece) for piece in pieces] == [LONGEST_LINE, LONGEST_LINE]
