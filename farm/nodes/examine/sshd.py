"""The settings of an SSH server, as `sshd -T` prints them or as its files have them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

FILE = "#file"
"""The line before each file: a `Match` block ends with the file it is in."""


def settings(lines: Iterable[str]) -> dict[str, str]:
    """Keyword in lower case -> value, for all users and addresses: of several values the first counts (sshd_config(5)).

    What a `Match` block says is left out, for it holds only sometimes.
    """
    found: dict[str, str] = {}
    is_sometimes = False
    for line in lines:
        words = line.replace("=", " ", 1).split()
        if line == FILE:
            is_sometimes = False
        elif not words or words[0].startswith("#"):
            continue
        elif words[0].lower() == "match":
            # `Match all` ends a block (sshd_config(5)).
            is_sometimes = [word.lower() for word in words[1:]] != ["all"]
        elif not is_sometimes:
            found.setdefault(words[0].lower(), " ".join(words[1:]))
    return found
