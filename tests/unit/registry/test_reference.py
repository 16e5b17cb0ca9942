from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.errors import UsageError
from farm.registry.reference import parse

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "domain", "path", "tag", "digest", "familiar"),
    [
        ("alpine", "docker.io", "library/alpine", None, None, "alpine"),
        ("alpine:3.20", "docker.io", "library/alpine", "3.20", None, "alpine:3.20"),
        ("docker.io/alpine", "docker.io", "library/alpine", None, None, "alpine"),
        ("index.docker.io/library/alpine", "docker.io", "library/alpine", None, None, "alpine"),
        ("me/tool", "docker.io", "me/tool", None, None, "me/tool"),
        ("library/me/tool", "docker.io", "library/me/tool", None, None, "library/me/tool"),
        ("localhost/tool", "localhost", "tool", None, None, "localhost/tool"),
        ("reg:5000/hello:1", "reg:5000", "hello", "1", None, "reg:5000/hello:1"),
        ("127.0.0.1:5000/a/b/c", "127.0.0.1:5000", "a/b/c", None, None, "127.0.0.1:5000/a/b/c"),
        ("[::1]:5000/a", "[::1]:5000", "a", None, None, "[::1]:5000/a"),
        ("GHCR/x", "GHCR", "x", None, None, "GHCR/x"),
        ("ghcr.io/x/y_z__w-v--u.t", "ghcr.io", "x/y_z__w-v--u.t", None, None, "ghcr.io/x/y_z__w-v--u.t"),
        (f"alpine@{DIGEST}", "docker.io", "library/alpine", None, DIGEST, f"alpine@{DIGEST}"),
        (f"alpine:3@{DIGEST}", "docker.io", "library/alpine", "3", DIGEST, f"alpine:3@{DIGEST}"),
    ],
)
def test_a_reference_is_read_as_docker_reads_it(
    text: str, domain: str, path: str, tag: str | None, digest: str | None, familiar: str
) -> None:
    reference = parse(text)
    assert (reference.domain, reference.path, reference.tag, reference.digest) == (domain, path, tag, digest)
    assert reference.familiar == familiar
    assert reference.repository == f"{domain}/{path}"
    assert parse(str(reference)) == reference
    assert parse(familiar) == reference


@pytest.mark.parametrize(
    ("text", "reason", "fix"),
    [
        ("", "it is empty", "reg.example:5000"),
        ("reg:5000/Hello", "upper-case letters", "write hello"),
        ("hello:", "the tag is empty", "letters, digits"),
        ("hello:-x", "'-x' is not a tag", "letters, digits"),
        ("hello:" + "a" * 129, "129 characters", "at most 128"),
        ("reg.io/" + "a" * 256, "256 characters", "at most 255"),
        ("hello world", "'hello world' cannot stand", "a-z and 0-9"),
        ("a//b", "a part of the name is empty", "a-z and 0-9"),
        ("a..b", "'a..b' cannot stand", "single ."),
        ("-a", "'-a' cannot stand", ""),
        ("hello@sha256:12", "'sha256:12' is not a digest", "64 hexadecimal"),
        ("hello@", "'' is not a digest", "64 hexadecimal"),
        ("a_b.c:80/x", "'a_b.c:80' is not a registry's host name", "host:port"),
        ("reg.io:port/x", "is not a registry's host name", "host:port"),
        ("ab" * 32, "an image ID", "a name"),
        ("--output=/etc/passwd", "cannot stand", ""),
        ("hello\n", "cannot stand", ""),
    ],
)
def test_what_is_no_reference_is_refused_with_the_reason(text: str, reason: str, fix: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(text)
    assert reason in error.value.what
    assert fix in (error.value.fix or "")


def test_the_default_tag_is_latest_unless_something_else_is_said() -> None:
    assert str(parse("alpine").with_default_tag()) == "docker.io/library/alpine:latest"
    assert str(parse("alpine:3").with_default_tag()) == "docker.io/library/alpine:3"
    assert str(parse(f"alpine@{DIGEST}").with_default_tag()) == f"docker.io/library/alpine@{DIGEST}"


def test_a_digest_is_added_beside_the_tag() -> None:
    assert str(parse("reg:5000/a:1").with_digest(DIGEST)) == f"reg:5000/a:1@{DIGEST}"


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_and_what_is_read_can_be_read_again(text: str) -> None:
    try:
        reference = parse(text)
    except UsageError:
        return
    assert parse(str(reference)) == reference
