from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.errors import UsageError
from farm.sources import giturl
from farm.sources.giturl import parse

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "remote", "ref", "subdirectory"),
    [
        ("https://host/me/repo.git", "https://host/me/repo.git", None, ""),
        ("https://host/me/repo.git#main", "https://host/me/repo.git", "main", ""),
        ("https://host/me/repo.git#main:sub/dir", "https://host/me/repo.git", "main", "sub/dir"),
        ("https://host/me/repo.git#:sub", "https://host/me/repo.git", None, "sub"),
        ("https://host:8443/me/repo.git#v1.0", "https://host:8443/me/repo.git", "v1.0", ""),
        ("https://host/repo.git#feature/x", "https://host/repo.git", "feature/x", ""),
        ("https://host/repo.git#refs/pull/7/head", "https://host/repo.git", "refs/pull/7/head", ""),
        (f"https://host/repo.git#{COMMIT}", "https://host/repo.git", COMMIT, ""),
        ("http://host/repo.git", "http://host/repo.git", None, ""),
        ("git://host/repo#main", "git://host/repo", "main", ""),
        ("ssh://git@host:2222/me/repo#main", "ssh://git@host:2222/me/repo", "main", ""),
        ("git@github.com:me/repo.git#main:sub", "git@github.com:me/repo.git", "main", "sub"),
        ("me@host:path/repo", "me@host:path/repo", None, ""),
        ("github.com/me/repo", "https://github.com/me/repo.git", None, ""),
        ("github.com/me/repo/", "https://github.com/me/repo.git", None, ""),
        ("github.com/me/repo#main", "https://github.com/me/repo.git", "main", ""),
        ("github.com/me/repo.git#main:x", "https://github.com/me/repo.git", "main", "x"),
        ("https://host/repo.git?ref=main&subdir=a/b", "https://host/repo.git", "main", "a/b"),
        ("https://host/repo.git?branch=main", "https://host/repo.git", "refs/heads/main", ""),
        ("https://host/repo.git?tag=v1#", "https://host/repo.git", "refs/tags/v1", ""),
        ("git@host:repo.git?tag=v1", "git@host:repo.git", "refs/tags/v1", ""),
        ("https://host/repo.git#main:../../etc", "https://host/repo.git", "main", "etc"),
        ("https://host/repo.git#main:/abs", "https://host/repo.git", "main", "abs"),
    ],
)
def test_git_urls(text: str, remote: str, ref: str | None, subdirectory: str) -> None:
    url = parse(text)
    assert url
    assert (url.remote, url.ref, url.subdirectory) == (remote, ref, subdirectory)


@pytest.mark.parametrize("text", [".", "dir", "./github.com/x", "/srv/repo.git", "host:path", "a/b.git"])
def test_what_may_be_a_directory_is_no_url(text: str) -> None:
    assert parse(text) is None


def test_a_secret_is_taken_out_of_the_url_and_shown_nowhere() -> None:
    url = parse("https://me:s3cr%2Fet@host:8443/repo.git#main")
    assert url
    assert (url.username, url.password, url.remote) == ("me", "s3cr/et", "https://host:8443/repo.git")
    assert "s3cr" not in repr(url) + str(url)
    assert str(url) == "https://host:8443/repo.git#main"


def test_a_token_may_stand_for_the_user() -> None:
    url = parse("https://ghp_token@host/repo.git")
    assert url
    assert (url.username, url.password, url.remote) == ("ghp_token", "", "https://host/repo.git")
    assert "ghp_token" not in repr(url)


def test_a_commit_may_be_given_as_the_checksum_of_a_ref() -> None:
    url = parse(f"https://host/repo.git?ref=main&checksum={COMMIT[:12]}")
    assert url
    assert (url.ref, url.checksum, url.is_commit) == ("main", COMMIT[:12], False)
    alone = parse(f"https://host/repo.git?checksum={COMMIT}")
    assert alone
    assert alone.is_commit


def test_submodules_can_be_left_out() -> None:
    url = parse("https://host/repo.git?submodules=false")
    assert url
    assert not url.with_submodules


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("https://host/archive.tar.gz", "not a git repository's URL"),
        ("https://host/me/repo", "not a git repository's URL"),
        ("file:///srv/repo.git", "file:// cannot be built"),
        ("ftp://host/repo.git", "ftp:// cannot be built"),
        ("ext::sh -c id", "git transport"),
        ("fd::3", "git transport"),
        ("https:///repo.git", "names no host"),
        ("https://[::1/repo.git", "is not a URL"),
        ("https://host/repo.git#--upload-pack=x", "is not a branch"),
        ("https://host/repo.git#+main", "is not a branch"),
        ("https://host/repo.git?ref=a:refs/heads/b", "is not a branch"),
        ("https://host/repo.git#a..b", "is not a branch"),
        ("https://host/repo.git#a b", "is not a branch"),
        ("https://host/repo.git#a^{}", "is not a branch"),
        ("https://host/repo.git?ref=a#b", "more than one ref: a, b"),
        ("https://host/repo.git?subdir=a#:b", "more than one subdirectory"),
        ("https://host/repo.git?keep-git-dir=1", "does not know [?]keep-git-dir="),
        ("https://host/repo.git?checksum=xyz", "is not a commit"),
        ("ssh://me:pw@host/repo.git", "password that ssh cannot use"),
    ],
)
def test_what_cannot_be_used_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse(text)


@pytest.mark.parametrize(
    "text", ["https://me:s3cret@host/archive.tgz", "ssh://me:s3cret@host/x", "https://me:s3cret@host/r.git#-x"]
)
def test_no_refusal_shows_a_secret(text: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(text)
    assert "s3cret" not in f"{error.value.what} {error.value.fix} {error.value.details}"


_PIECES = ("https://", "ssh://", "git@", "host", ":", "@", "/", ".git", "#", "?", "ref=", "[", "]", "%", "a", "&", "::")


@given(st.lists(st.sampled_from(_PIECES), max_size=12).map("".join))
def test_any_text_is_a_url_or_none_or_refused(text: str) -> None:
    try:
        url = parse(text)
    except UsageError:
        return
    assert url is None or not (url.ref or "").startswith("-")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:pw@host/app.git#v1:sub", "https://***@host/app.git#v1:sub"),
        ("https://token@host/app.git", "https://***@host/app.git"),
        ("http://me:p@w@host:80/app.git", "http://***@host:80/app.git"),
        ("https://host/app.git#a@b", "https://host/app.git#a@b"),
        ("ssh://git@host/app.git", "ssh://git@host/app.git"),
        ("git@host:app.git", "git@host:app.git"),
        ("./app", "./app"),
    ],
)
def test_a_login_is_not_shown(text: str, shown: str) -> None:
    assert giturl.without_login(text) == shown
