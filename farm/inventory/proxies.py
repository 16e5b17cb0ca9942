"""What a proxy means: as environment variables, and for one address. Pure."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from farm.inventory.nodes import Proxy

_NAMES = ("http_proxy", "https_proxy", "no_proxy")
VARIABLES = tuple(spelling for name in (*_NAMES, "all_proxy") for spelling in (name.upper(), name))
"""Every variable that may send a program through a proxy, or past it."""

_PORTS = {"http": 80, "https": 443}


def environment(proxy: Proxy | None) -> dict[str, str]:
    """The variables in both spellings: curl reads `http_proxy` in lower case only, others in upper case only.

    Empty without a proxy. The values may hold a login.
    """
    if proxy is None:
        return {}
    said = dict(zip(_NAMES, (proxy.http, proxy.https, ",".join(proxy.no_proxy)), strict=True))
    return {spelling: value for name, value in said.items() if value for spelling in (name.upper(), name)}


def has_login(proxy: Proxy | None) -> bool:
    """Whether the proxy's values are a secret."""
    return proxy is not None and any("@" in (url or "") for url in (proxy.http, proxy.https))


def url_for(proxy: Proxy | None, address: str) -> str | None:
    """The URL of the proxy for an http or https address, None for straight ahead.

    This machine itself is never reached through it, as in Go's programs, of which BuildKit is one.
    """
    parts = urlsplit(address)
    if proxy is None or not parts.hostname:
        return None
    if _is_loopback(parts.hostname) or _is_left_out(proxy, parts.hostname, parts.port or _PORTS[parts.scheme]):
        return None
    return proxy.https if parts.scheme == "https" else proxy.http


def _is_left_out(proxy: Proxy, host: str, port: int) -> bool:
    return any(_covers(pattern.lower(), host, port) for pattern in proxy.no_proxy)


def _covers(pattern: str, host: str, port: int) -> bool:
    """The rules of Go's golang.org/x/net/http/httpproxy: a name stands for all below it too."""
    if pattern == "*":
        return True
    address = _address(host)
    if "/" in pattern:
        return address is not None and address in ipaddress.ip_network(pattern, strict=False)
    if _address(pattern) is not None:
        return _address(pattern) == address
    parts = urlsplit(f"//{pattern}")
    name = (parts.hostname or "").removeprefix("*")
    if parts.port not in (None, port):
        return False
    if _address(name) is not None:
        return _address(name) == address
    return host.endswith(name) if name.startswith(".") else host == name or host.endswith(f".{name}")


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)
