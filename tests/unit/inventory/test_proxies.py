"""Which addresses a proxy is for."""

from __future__ import annotations

import pytest

from farm.inventory import Proxy
from farm.inventory.proxies import has_login, url_for

PROXY = Proxy(http="http://plain:1", https="http://tls:2")


def without(*hosts: str) -> Proxy:
    return Proxy(http="http://p", https="http://p", no_proxy=hosts)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("http://registry.lan:5000/v2/", "http://plain:1"),
        ("https://registry.lan", "http://tls:2"),
        ("https://[fd00::1]:443", "http://tls:2"),
        ("http://localhost:5000", None),
        ("http://127.0.0.53:5000", None),
        ("https://[::1]", None),
    ],
)
def test_each_scheme_has_its_own_and_this_machine_none(address: str, url: str | None) -> None:
    assert url_for(PROXY, address) == url
    assert url_for(None, address) is None


def test_a_scheme_without_a_proxy_goes_straight_ahead() -> None:
    assert url_for(Proxy(https="http://p"), "http://a.lan") is None


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("*", ["http://a", "https://10.0.0.1"], []),
        ("lan", ["http://a.lan", "http://lan"], ["http://plan", "http://lan.net"]),
        (".lan", ["http://a.lan"], ["http://lan"]),
        ("*.LAN", ["http://a.lan", "http://A.b.lan"], ["http://lan"]),
        ("a.lan:5000", ["http://a.lan:5000"], ["http://a.lan", "https://a.lan"]),
        ("a.lan:443", ["https://a.lan"], ["http://a.lan"]),
        ("10.1.0.0/16", ["http://10.1.2.3:5000"], ["http://10.2.0.1", "http://a.lan"]),
        ("192.168.1.7", ["http://192.168.1.7:1"], ["http://192.168.1.70"]),
        ("192.168.1.7:80", ["http://192.168.1.7"], ["http://192.168.1.7:81"]),
        ("fd00::/8", ["https://[fd00::5]"], ["https://[2001:db8::1]", "https://10.0.0.1"]),
        ("::5", ["https://[::5]"], ["https://[::6]"]),
    ],
)
def test_what_is_left_out(pattern: str, inside: list[str], outside: list[str]) -> None:
    assert [url_for(without("x.example", pattern), address) for address in inside] == [None] * len(inside)
    assert [url_for(without(pattern), address) for address in outside] == ["http://p"] * len(outside)


def test_whether_it_is_a_secret() -> None:
    assert not has_login(None)
    assert not has_login(PROXY)
    assert has_login(Proxy(https="http://me:x@p"))
