"""How a proxy comes into a build, and where its login does not."""

from __future__ import annotations

import pytest

from farm.build import proxy_arguments
from farm.build.proxy_arguments import Handed, handed
from farm.errors import UsageError
from farm.inventory import Proxy
from farm.sources.spec import Spec

PLAIN = Proxy(http="http://p:1", no_proxy=(".lan",))
SECRET = Proxy(http="http://me:secret@p:1", https="http://p:2")


def test_no_proxy_no_arguments() -> None:
    assert handed(None) == Handed()


def test_without_a_login_the_values_are_said() -> None:
    assert handed(PLAIN) == Handed(
        arguments=("HTTP_PROXY=http://p:1", "http_proxy=http://p:1", "NO_PROXY=.lan", "no_proxy=.lan")
    )


def test_with_a_login_only_the_names_are_said() -> None:
    found = handed(SECRET)
    assert found.arguments == ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy")
    assert {name: value for name, value in found.environment.items() if value} == {
        "HTTP_PROXY": "http://me:secret@p:1",
        "http_proxy": "http://me:secret@p:1",
        "HTTPS_PROXY": "http://p:2",
        "https_proxy": "http://p:2",
    }
    assert found.environment["NO_PROXY"] == "", "this machine's own exceptions would let buildx past the proxy"
    assert "secret" not in repr(found)


def test_what_the_user_says_wins() -> None:
    assert handed(PLAIN, own=["no_proxy=a", "Http_Proxy"]) == Handed()


@pytest.mark.parametrize(
    ("declared", "names"),
    [
        ({"HTTP_PROXY", "OTHER"}, ["http_proxy", "NO_PROXY", "no_proxy"]),
        ({"http_proxy"}, ["HTTP_PROXY", "NO_PROXY", "no_proxy"]),
        ({"http_proxy", "HTTP_PROXY"}, ["NO_PROXY", "no_proxy", "Http_Proxy"]),
    ],
)
def test_a_name_that_the_dockerfile_declares_would_be_kept_in_the_image(declared: set[str], names: list[str]) -> None:
    assert [argument.partition("=")[0] for argument in handed(PLAIN, declared=declared).arguments] == names


def test_the_third_spelling_has_its_value_too() -> None:
    found = handed(SECRET, declared={"http_proxy", "HTTP_PROXY"})
    assert found.arguments == ("HTTPS_PROXY", "https_proxy", "Http_Proxy")
    assert found.environment["Http_Proxy"] == "http://me:secret@p:1"


@pytest.mark.parametrize(
    "said",
    [
        {"provenance": "true"},
        {"provenance": "mode=max"},
        {"provenance": "1"},
        {"attest": ("type=sbom", "type=provenance")},
        {"attest": ("type=provenance,mode=max",)},
    ],
)
def test_a_provenance_that_would_hold_the_login_is_refused(said: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="would hold the proxy's login"):
        proxy_arguments.check(Spec(context=".", **said), SECRET)  # type: ignore[arg-type]  # one of the two options
    proxy_arguments.check(Spec(context=".", **said), PLAIN)  # type: ignore[arg-type]  # one of the two options


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"provenance": "false"},
        {"provenance": "mode=min"},
        {"provenance": "mode=max,disabled=true"},
        {"attest": ("type=provenance,mode=min", "type=sbom")},
    ],
)
def test_one_that_holds_no_arguments_is_not(said: dict[str, str]) -> None:
    proxy_arguments.check(Spec(context=".", **said), SECRET)  # type: ignore[arg-type]  # one of the two options
