"""A proxy as the environment of an engine or of a step."""

from __future__ import annotations

from farm.inventory import Proxy
from farm.nodes.settings import proxy_env

PROXY = Proxy(http="http://me:a%20b@p:1", https="http://p:2", no_proxy=(".lan", "10.0.0.0/8"))


def test_both_spellings_of_each_name() -> None:
    assert proxy_env.environment(PROXY) == {
        "HTTP_PROXY": "http://me:a%20b@p:1",
        "http_proxy": "http://me:a%20b@p:1",
        "HTTPS_PROXY": "http://p:2",
        "https_proxy": "http://p:2",
        "NO_PROXY": ".lan,10.0.0.0/8",
        "no_proxy": ".lan,10.0.0.0/8",
    }


def test_what_is_not_said_is_not_set() -> None:
    assert proxy_env.environment(Proxy(https="http://p")) == {"HTTPS_PROXY": "http://p", "https_proxy": "http://p"}
    assert proxy_env.environment(None) == {}
    assert proxy_env.environment_file(None) == ""


def test_a_unit_reads_the_values_from_a_file() -> None:
    assert proxy_env.environment_file(Proxy(http="http://me:a%20b@p:1")) == (
        'HTTP_PROXY="http://me:a%20b@p:1"\nhttp_proxy="http://me:a%20b@p:1"\n'
    )
    assert proxy_env.drop_in("/etc/farm/proxy.env") == "[Service]\nEnvironmentFile=/etc/farm/proxy.env\n"
