"""What a registry asks for in its WWW-Authenticate header (RFC 9110, section 11)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_PARAMETER = re.compile(rf"\s*({_WORD})\s*=\s*({_QUOTED}|{_WORD})\s*(?:,|\Z)")
_SCHEME = re.compile(rf"\s*({_WORD})(?:\s+|\s*,|\s*\Z)(?!\s*=)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One way to prove who one is: `scheme` and the names of `parameters` in lower case."""

    scheme: str
    parameters: Mapping[str, str]


def parse(headers: Sequence[str]) -> tuple[Challenge, ...]:
    """Read every challenge of every header; what is not understood ends that header."""
    found: list[Challenge] = []
    for header in headers:
        position = 0
        while match := _SCHEME.match(header, position):
            scheme, position = match[1].lower(), match.end()
            parameters: dict[str, str] = {}
            while item := _PARAMETER.match(header, position):
                parameters[item[1].lower()] = _plain(item[2])
                position = item.end()
            found.append(Challenge(scheme=scheme, parameters=parameters))
    return tuple(found)


def _plain(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
