"""What may be said of a home's network: proxies, mirrors, and images by name."""

from __future__ import annotations

import ipaddress
import re

from farm.inventory.rules import Rule, is_authority, is_host

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_VARIABLE = rf"\$(?P<variable>{_NAME})"
# No quote, backslash or dollar sign: the value goes into files of systemd and of shells.
_LOGIN = r"[A-Za-z0-9._~!*()&+,;=%:-]+"
_URL = rf"https?://(?:{_LOGIN}@)?(?P<authority>[A-Za-z0-9_.:\[\]-]+)/?"
_PATH = r"[a-z0-9]+(?:(?:\.|__?|-+|/)[a-z0-9]+)*"
_IMAGE = rf"(?:[A-Za-z0-9_.\[\]:-]+/)?{_PATH}(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?"


def variable(text: str) -> str | None:
    """The NAME of a value that is written `$NAME`."""
    match = re.fullmatch(_VARIABLE, text)
    return match["variable"] if match else None


def is_proxy_url(text: str) -> bool:
    """Whether the text is `http[s]://[user:password@]host[:port]`."""
    match = re.fullmatch(_URL, text)
    return match is not None and is_authority(match["authority"])


def is_mirror(text: str) -> bool:
    """Whether the text is `host[:port][/path]`."""
    authority, slash, path = text.partition("/")
    return is_authority(authority) and (not slash or re.fullmatch(_PATH, path) is not None)


def _is_proxy(text: str) -> bool:
    return variable(text) is not None or is_proxy_url(text)


def _is_unproxied(text: str) -> bool:
    if text == "*":
        return True
    if "/" in text:
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError:
            return False
        return True
    name = text.removeprefix("*").removeprefix(".")
    return is_host(name) or is_authority(name)


def _near_proxy(text: str) -> str | None:
    # Nothing of the text may be repeated: any part of it may be a password.
    if re.fullmatch(rf"\$\{{{_NAME}\}}|%{_NAME}%", text):
        return "write a variable as `$NAME`"
    scheme, colon, rest = text.partition("://")
    if not colon:
        return "begin it with `http://`"
    if scheme not in ("http", "https"):
        return "only proxies that speak HTTP are known to all that needs one"
    login, at, authority = rest.rpartition("@")
    if at and not re.fullmatch(_LOGIN, login):
        return "write special characters of a password as in URLs: %40 for @, %2F for /, %24 for $"
    return "leave out what follows the port" if "/" in authority.rstrip("/") else None


def _near_mirror(text: str) -> str | None:
    if "://" in text:
        scheme, _, rest = text.partition("://")
        plain = ", and say `http: true` for it among `registries:`" if scheme == "http" else ""
        return f"write it without `{scheme}://`{plain}" if is_mirror(rest.rstrip("/")) else None
    return f"write `{text.rstrip('/')}`" if is_mirror(text.rstrip("/")) else None


def _near_list(text: str) -> str:
    return f"write `[{', '.join(text.replace(',', ' ').split())}]`"


PROXY = Rule(
    expected="a URL such as http://proxy.lan:3128, or $NAME of an environment variable that holds one",
    pattern=rf"{_VARIABLE.replace('?P<variable>', '')}|{_URL.replace('?P<authority>', '')}",
    fits=_is_proxy,
    hint=_near_proxy,
)
NO_PROXY = Rule(
    expected="a host, a .domain, an address or a network such as 192.168.1.0/24",
    fits=_is_unproxied,
    hint=lambda text: "one in each item of the list" if "," in text else None,
)
NO_PROXIES = Rule(expected="a list of hosts, domains and networks", hint=_near_list)
MIRROR = Rule(expected="host[:port][/path] of a mirror", fits=is_mirror, hint=_near_mirror)
MIRRORS = Rule(expected="a list of mirrors", hint=_near_list)
IMAGE = Rule(expected="an image such as registry.lan:5000/buildkit:v0.34.2", pattern=_IMAGE)
