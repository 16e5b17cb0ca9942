from __future__ import annotations

import pytest

from farm.sources.shellwords import CannotExpandError, expand

VARIABLES = {"A": "one", "EMPTY": "", "A_B": "two", "LONG": "x" * 128}


@pytest.mark.parametrize(
    ("word", "expanded"),
    [
        ("alpine", "alpine"),
        ("$A", "one"),
        ("${A}", "one"),
        ("x${A}y$A-z", "xoneyone-z"),
        ("$A_B", "two"),
        ("$MISSING:1", ":1"),
        ("${A:-no}", "one"),
        ("${MISSING:-yes}", "yes"),
        ("${EMPTY:-yes}", "yes"),
        ("${EMPTY-no}", ""),
        ("${MISSING-yes}", "yes"),
        ("${A:+yes}", "yes"),
        ("${EMPTY:+no}", ""),
        ("${EMPTY+yes}", "yes"),
        ("${MISSING+no}", ""),
        ("${A:?never}", "one"),
        ("${MISSING:-${A}-$A}", "one-one"),
        ("${MISSING:-}", ""),
        ("'$A'", "$A"),
        ('"$A"', "one"),
        ('"a\\"b"', 'a"b'),
        ('"a\\b"', "a\\b"),
        ("\\$A", "$A"),
        ("al'pi'\"ne\"", "alpine"),
        ("$", "$"),
        ("$-", "$-"),
        ("$1", ""),
    ],
)
def test_words_expand_as_in_a_dockerfile(word: str, expanded: str) -> None:
    assert expand(word, VARIABLES) == expanded


def test_the_escape_character_can_be_another() -> None:
    assert expand("C:\\x`$A", VARIABLES, "`") == "C:\\x$A"


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("${A#o}", "changes a variable"),
        ("${A%%e}", "changes a variable"),
        ("${A/o/x}", "changes a variable"),
        ("${A:1}", "changes a variable"),
        ("${A", "changes a variable"),
        ("${MISSING:?say which}", "MISSING: say which"),
        ("${EMPTY:?}", "EMPTY: it must be set"),
        ("${A:-x", "a } is missing"),
        ("${}", "not followed by a name"),
        ("'open", "closing ' is missing"),
        ('"open', 'closing " is missing'),
        ("${MISSING:-" * 2000 + "x" + "}" * 2000, "one in the other"),
        ("$LONG" * 9, "no image's name"),
        ("x" * 70_000, "too long"),
    ],
)
def test_what_cannot_be_followed_is_said(word: str, reason: str) -> None:
    with pytest.raises(CannotExpandError, match=reason):
        expand(word, VARIABLES)
