from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.errors import UsageError
from farm.sources import refs
from farm.sources.refs import Ref, Refs, parse, selected

A, B, C = "a" * 40, "b" * 40, "c" * 40


def made(*names: str, default: str | None = "refs/heads/main") -> Refs:
    """A repository with these refs: `main` is a branch, `v1` and the like are tags, unless they say it themselves."""
    full = (
        f"refs/{name}"
        if name.startswith(("heads/", "tags/"))
        else f"refs/{'tags' if name[0] == 'v' else 'heads'}/{name}"
        for name in names
    )
    return Refs(refs=tuple(Ref(name=name, commit=A) for name in full), default=default)


def chosen(found: Refs, *entries: str) -> list[str]:
    return [ref.short for ref in selected(found, entries)]


def test_what_git_prints() -> None:
    listing = "\n".join(
        [
            "ref: refs/heads/trunk\tHEAD",
            f"{A}\tHEAD",
            f"{B}\trefs/heads/feature/x",
            f"{A}\trefs/heads/trunk",
            f"{C}\trefs/pull/7/head",
            f"{C}\trefs/tags/v1.0",
            f"{A}\trefs/tags/v1.0^{{}}",
            f"{B}\trefs/tags/v1.1",
            "",
        ]
    )
    found = parse(listing)
    assert found.default == "refs/heads/trunk"
    assert {ref.name: ref.commit for ref in found.refs} == {
        "refs/heads/feature/x": B,
        "refs/heads/trunk": A,
        "refs/tags/v1.0": A,  # the commit, not the tag's own object
        "refs/tags/v1.1": B,
    }
    assert [(ref.short, ref.is_branch, ref.is_tag) for ref in found.refs[:3]] == [
        ("feature/x", True, False),
        ("trunk", True, False),
        ("v1.0", False, True),
    ]


@pytest.mark.parametrize(
    ("listing", "default"),
    [
        ("", None),
        (f"{A}\tHEAD\n{A}\trefs/heads/dev\n{A}\trefs/heads/master\n{B}\trefs/heads/main", "refs/heads/master"),
        (f"{A}\tHEAD\n{A}\trefs/heads/dev\n{B}\trefs/heads/main", "refs/heads/dev"),
        (f"{A}\tHEAD\n{B}\trefs/heads/main", None),
        (f"{B}\trefs/heads/main", None),
        (f"ref: refs/heads/gone\tHEAD\n{B}\trefs/heads/main", None),
    ],
)
def test_a_server_that_does_not_name_its_default_branch(listing: str, default: str | None) -> None:
    assert parse(listing).default == default


def test_a_name_with_an_odd_line_end_in_it_is_one_name() -> None:
    assert [ref.short for ref in parse(f"{A}\trefs/heads/a\u2028b\x85c").refs] == ["a\u2028b\x85c"]


def test_names_that_git_itself_would_not_make_are_left_out() -> None:
    listing = "".join(f"{A}\trefs/heads/{name}\n" for name in ("good", "\x1b[2J", "a b", "..", "x/../y", "x.lock"))
    assert [ref.short for ref in parse(listing).refs] == ["good"]


@given(st.text())
def test_no_output_of_a_strange_server_breaks_it(listing: str) -> None:
    parse(listing)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (("main",), ["main"]),
        (("HEAD",), ["main"]),
        (("v*",), ["v1.10.0", "v1.9.0", "v1.9.0-rc.1", "v0.9"]),
        (("v* newest 2",), ["v1.10.0", "v1.9.0"]),
        (("v*   newest   2",), ["v1.10.0", "v1.9.0"]),
        (("v1.*",), ["v1.10.0", "v1.9.0", "v1.9.0-rc.1"]),
        (("v*", "!v0.*", "!*-rc*"), ["v1.10.0", "v1.9.0"]),
        (("!v0.*", "v*", "!*-rc*"), ["v1.10.0", "v1.9.0"]),  # the order of the entries does not matter
        (("v* newest 2", "!v1.10*"), ["v1.9.0", "v1.9.0-rc.1"]),  # what is left out is not counted
        (("feature/*",), ["feature/a/b", "feature/x"]),
        (("feature*",), ["feature/a/b", "feature/x"]),  # for git too a star stands for slashes
        (("feature/?",), ["feature/x"]),
        (("v1.[0-9].0",), ["v1.9.0"]),
        (("tags/*",), ["v1.10.0", "v1.9.0", "v1.9.0-rc.1", "v0.9"]),
        (("heads/*",), ["both", "feature/a/b", "feature/x", "main"]),
        (("refs/heads/main",), ["main"]),
        (("*", "!tags/*", "!HEAD"), ["both", "feature/a/b", "feature/x"]),
        (("v0.9", "main"), ["main", "v0.9"]),
        (("main", "HEAD", "m*"), ["main"]),  # each once
    ],
)
def test_patterns(entries: tuple[str, ...], expected: list[str]) -> None:
    found = made("v0.9", "v1.9.0", "main", "v1.10.0", "feature/x", "v1.9.0-rc.1", "feature/a/b", "heads/both")
    assert chosen(found, *entries) == expected


def test_a_tag_that_is_called_like_a_branch_is_no_branch() -> None:
    strange = Ref(name="refs/tags/refs/heads/main", commit=B)
    assert (strange.short, strange.is_branch) == ("refs/heads/main", False)
    found = Refs(refs=(strange, Ref(name="refs/heads/main", commit=A)), default="refs/heads/main")
    assert [ref.commit for ref in selected(found, ["main", "HEAD"])] == [A]


def test_a_branch_and_a_tag_of_one_name() -> None:
    found = made("heads/both", "tags/both")
    assert [ref.name for ref in selected(found, ["both"])] == ["refs/heads/both", "refs/tags/both"]
    assert [ref.name for ref in selected(found, ["tags/both"])] == ["refs/tags/both"]
    assert [ref.name for ref in selected(found, ["both", "!heads/both"])] == ["refs/tags/both"]
    named = found.named("both")
    assert named
    assert named.is_branch  # a branch comes before a tag, as in BuildKit


@pytest.mark.parametrize(
    ("entries", "what", "fix"),
    [
        (("v2*",), "refs: v2* selects no branch or tag", "it has main, v1.0"),
        (("mian",), "refs: mian selects no branch or tag", "did you mean main?"),
        (("main", "!m*"), "refs: main selects no branch or tag of the repository that is not left out", "did you mean"),
        (("!main",), "every entry only leaves refs out", "add one that selects"),
        (("",), "refs: '' is no pattern", "write main"),
        (("two words",), "refs: 'two words' is no pattern", "write main"),
        (("v* newest 0",), "is no pattern", "v* newest 3"),
        (("v* newest many",), "is no pattern", "v* newest 3"),
        (("!v* newest 3",), "is no pattern", "v* newest 3"),
    ],
)
def test_entries_that_select_nothing_or_mean_nothing(entries: tuple[str, ...], what: str, fix: str) -> None:
    with pytest.raises(UsageError) as caught:
        selected(made("main", "v1.0"), entries)
    assert what in caught.value.what
    assert fix in (caught.value.fix or "")


def test_an_empty_repository_and_one_without_a_default_branch() -> None:
    with pytest.raises(UsageError, match="has no branch and no tag"):
        selected(Refs(refs=()), ["HEAD"])
    with pytest.raises(UsageError, match="does not say which branch is its default"):
        selected(made("dev", default=None), ["HEAD"])


def test_more_than_anybody_can_build_is_refused_and_says_how_to_narrow_it() -> None:
    found = made(*(f"v1.{number}" for number in range(201)))
    with pytest.raises(UsageError) as caught:
        selected(found, ["!v0*", "v*"])
    assert caught.value.what == "refs: !v0*, v* selects 201 branches and tags; farm builds at most 200"
    assert "'v* newest 3'" in (caught.value.fix or "")
    assert len(selected(found, ["v*", "!v1.0"])) == refs.LARGEST
    assert len(selected(found, ["v* newest 200"])) == refs.LARGEST


def test_ten_thousand_refs_take_no_time() -> None:
    listing = "ref: refs/heads/main\tHEAD\n" + "".join(
        f"{number:040x}\trefs/heads/feature/{number}\n{number:040x}\trefs/tags/v{number // 100}.{number % 100}.0\n"
        for number in range(5000)
    )
    best = 1.0
    for _ in range(3):  # the machine may be busy with something else
        began = time.process_time()
        found = selected(parse(listing), ["v* newest 3", "feature/4?", "!v0.*"])
        best = min(best, time.process_time() - began)
    assert [ref.short for ref in found][-3:] == ["v49.99.0", "v49.98.0", "v49.97.0"]
    assert best < 0.1


def test_a_name_that_makes_patterns_slow_does_not() -> None:
    found = made(*(f"{'a' * 240}{number}" for number in range(200)))
    began = time.process_time()
    with pytest.raises(UsageError):
        selected(found, ["*a*a*a*a*a*a*b"])
    assert time.process_time() - began < 1
