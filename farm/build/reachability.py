"""Whether BuildKit reaches a registry or a URL, from what it says when asked for something that is not there. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Reach(StrEnum):
    """What came of it; only `ANSWERS` is good."""

    ANSWERS = "answers"
    NO_NAME = "no_name"
    NO_CONNECTION = "no_connection"
    UNTRUSTED = "untrusted"
    NO_TLS = "no_tls"
    PROXY = "proxy"
    FAILING = "failing"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The kind, and BuildKit's own words."""

    reach: Reach
    said: str = ""


_PROXY_REFUSALS = "Service Unavailable|Bad Gateway|Gateway Timeout|Forbidden|Proxy Authentication Required"
# The first that matches counts. Each is held to what a real BuildKit said of a real server.
_MEANINGS = tuple(
    (re.compile(pattern, re.IGNORECASE), reach)
    for pattern, reach in (
        (r"proxyconnect ", Reach.PROXY),
        # Go gives the proxy's answer to CONNECT as a bare status text, and a registry's with its number.
        (rf'failed to do request: \w+ "https://[^"]*": (?:{_PROXY_REFUSALS})$', Reach.PROXY),
        (r"server gave HTTP response to HTTPS client|does not look like a TLS handshake", Reach.NO_TLS),
        (r"x509: |tls: failed to verify certificate", Reach.UNTRUSTED),
        (r"\blookup \S+(?: on \S+)?: |no such host|server misbehaving", Reach.NO_NAME),
        (r"unexpected status .*: 5\d\d |invalid response status 5\d\d", Reach.FAILING),
        (r"unexpected status .*: [1-4]\d\d |invalid response status [1-4]\d\d", Reach.ANSWERS),
        (r": not found$|access denied|authorization failed|no basic auth credentials", Reach.ANSWERS),
        (r"dial tcp |connection re(?:set|fused)|i/o timeout|network is unreachable|no route|EOF$", Reach.NO_CONNECTION),
    )
)
# What failed otherwise is buildx's own, or BuildKit's end.
_ERROR = re.compile(r"^ERROR: (?:failed to build: )?failed to solve: (.*)$")
# What comes before the reason: the image's name, once or twice, the step, and the request.
_BEFORE = re.compile(
    r"^(?:\S+: )?(?:failed to resolve source metadata for \S+: |failed to load cache key: )?"
    r'(?:failed to do request: )?(?:\w+ "[^"]*": )?'
)


def heard(lines: Sequence[str], *, is_success: bool) -> Heard | None:
    """What buildx's output says of the other side; None where it says nothing of it, but of BuildKit or of buildx."""
    if is_success:
        return Heard(reach=Reach.ANSWERS)
    error = next((match[1] for line in reversed(lines) if (match := _ERROR.match(line))), None)
    if error is None:
        return None
    for pattern, reach in _MEANINGS:
        if pattern.search(error):
            return Heard(reach=reach, said=_BEFORE.sub("", error))
    return None
