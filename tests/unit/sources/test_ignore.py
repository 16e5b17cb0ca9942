from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.errors import UsageError
from farm.sources.ignore import parse


@pytest.mark.parametrize(
    ("patterns", "path", "is_ignored"),
    [
        ("", "a", False),
        ("a", "a", True),
        ("a", "a/b/c", True),
        ("a", "b/a", False),
        ("/a", "a", True),
        ("a/", "a/b", True),
        ("./a//b/../c", "a/c", True),
        ("*.log", "x.log", True),
        ("*.log", "d/x.log", False),
        ("*/*.log", "d/x.log", True),
        ("**/*.log", "x.log", True),
        ("**/*.log", "d/e/x.log", True),
        ("**", "any/thing", True),
        ("**/node_modules", "a/node_modules/b", True),
        ("**/node_modules", "my_node_modules", False),
        ("**/node_modules", "node_modules", True),
        ("**foo", "barfoo", True),
        ("a/**", "a", False),
        ("a/**", "a/b", True),
        ("a/**", "ab", False),
        ("a**", "abc/d", True),
        ("a/**/z", "a/z", True),
        ("a/**/z", "a/b/c/z", True),
        ("a/**/z", "a/b/cz", False),
        ("?.txt", "a.txt", True),
        ("?.txt", "ab.txt", False),
        ("a?b", "a/b", False),
        ("[a-c].txt", "b.txt", True),
        ("[a-c].txt", "d.txt", False),
        ("[^a-c].txt", "d.txt", True),
        ("[[]x", "[x", True),
        (r"[\-a]", "-", True),
        ("[a&&b|~]", "&", True),
        (r"\*", "*", True),
        (r"\*", "a", False),
        ("a.b", "axb", False),
        ("a+b(c)", "a+b(c)", True),
        ("# comment\na", "# comment", False),
        (" # no comment", "# no comment", True),
        ("\ufeffa", "a", True),
        ("a\r\nb\r\n", "b", True),
        # Exceptions: the last match decides, even below a directory that is left out.
        ("*\n!keep", "keep", False),
        ("*\n!keep", "other", True),
        ("*\n!keep", "keep/x", False),
        ("!keep\n*", "keep", True),
        ("*\n!a/b", "a/b", False),
        ("*\n!a/b", "a/c", True),
        ("*\n!a\na/secret", "a/secret/x", True),
        ("*\n!a\na/secret", "a/x", False),
        ("**\n!**/*.go", "a/b/c.go", False),
        ("**\n!**/*.go", "a/b/c.py", True),
        ("docs\n!docs/README*\ndocs/README-secret*", "docs/README.md", False),
        ("docs\n!docs/README*\ndocs/README-secret*", "docs/README-secret.md", True),
        ("! a\n", "a", False),
        ("*\n! /a", "a", False),
        (".git\n.dockerignore", ".git/config", True),
        (".", "a", False),
        ("/", "a", False),
        ("..", "a", False),
        ("../a", "a", False),
    ],
)
def test_patterns(patterns: str, path: str, is_ignored: bool) -> None:
    assert parse(patterns).is_ignored(path) is is_ignored


@pytest.mark.parametrize(
    ("patterns", "directory", "may_hold"),
    [
        ("a", "a", False),
        ("*\n!a/b", "a", True),
        ("*\n!a/b", "c", False),
        ("*\n!a/b", "a/b", False),
        ("*\n!a/b/c", "a/b", True),
        ("*\n!**/*.go", "x/y", True),
        ("*\n!src/*.go", "docs", False),
        ("*\n!src/*.go", "src", True),
        ("*\n!src/*/x.go", "src/deep", True),
    ],
)
def test_whether_a_directory_that_is_left_out_must_still_be_looked_into(
    patterns: str, directory: str, may_hold: bool
) -> None:
    assert parse(patterns).may_hold_exceptions(directory) is may_hold


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("**/" * 30 + "x", "a/" * 30 + "b"),
        ("*" * 31 + "x", "a" * 200),
        ("*a" * 30 + "*b", "a" * 200),
        ("**/a*/" * 12 + "x", "a/" * 60 + "y"),
        ("**/*a*a*a*b/" * 6 + "x", ("a" * 30 + "/") * 60 + "y"),
        ("[^x]*" * 20 + "b", "a" * 200),
        ("a**" * 20 + "b", "a/" * 100),
    ],
)
def test_many_wildcards_do_not_take_for_ever(pattern: str, path: str) -> None:
    assert not parse(pattern).is_ignored(path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a*b*c", "xaxbxbxc"),
        ("**/a/**/b/**/c", "a/x/a/b/b/x/c"),
        ("**/a*b/*c*d", "x/ab/b/aab/cxd"),
        ("*ab*ab", "abab"),
        ("**/*a/**/b", "xa/a/ba/b"),
    ],
)
def test_several_wildcards_find_their_match_wherever_it_is(pattern: str, path: str) -> None:
    assert parse(pattern).is_ignored(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a\n!", r"\.dockerignore:2: a lone !"),
        ("[a", r"\.dockerignore:1: '\[a' is not a pattern: a \[ is not closed"),
        ("[z-a]", "is not a pattern"),
        ("[?--]", r"- within \[\]"),
        ("[]a]", r"\] within"),
        ("a\\", "it ends in a backslash"),
    ],
)
def test_bad_patterns_are_refused_with_their_line(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse(text)


@given(st.text(alphabet="ab*?[]^-!/\\.# \n", max_size=30), st.text(alphabet="ab/", min_size=1, max_size=12))
def test_any_text_is_refused_or_judges_any_path(text: str, path: str) -> None:
    try:
        ignore = parse(text)
    except UsageError:
        return
    ignore.is_ignored(path)
