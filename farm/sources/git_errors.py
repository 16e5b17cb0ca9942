"""What git's complaints mean. The texts are git's own under LC_ALL=C (fetch-pack.c, remote.c, http.c) and OpenSSH's."""

from __future__ import annotations

import re
from pathlib import Path

from farm.errors import FarmError, RefusedError, UnreachableError, UsageError
from farm.sources.giturl import GitUrl


class NoSuchRefError(UsageError):
    """The repository has no such branch, tag or commit."""


_NO_REF = re.compile(r"couldn't find remote ref|remote branch .* not found", re.IGNORECASE)
_NO_COMMIT = re.compile(r"not our ref|unadvertised object|reference is not a tree", re.IGNORECASE)
_HOST_KEY = re.compile(r"host key verification failed|remote host identification has changed", re.IGNORECASE)
_LOGIN = re.compile(
    r"could not read (?:username|password)|authentication failed|permission denied|access denied|"
    r"returned error: 40[13]|terminal prompts disabled|too many authentication failures",
    re.IGNORECASE,
)
_NO_REPOSITORY = re.compile(
    r"repository .*not found|does not appear to be a git repository|not a git repository|returned error: 404|"
    r"repository not exported|no such repository|could not find repository",
    re.IGNORECASE,
)
_PROTOCOL = re.compile(r"transport '([^']*)' not allowed")


def by_address(error: FarmError, root: Path, url: GitUrl) -> None:
    """Name files of a checkout in `root` by their places in the repository, as the user knows them."""
    inside = re.compile(re.escape(str(root)) + r"(?:/([^\s:,;'\"]*))?")

    def place(match: re.Match[str]) -> str:
        return url.at(match[1] or "")

    error.what = inside.sub(place, error.what)
    error.fix = error.fix and inside.sub(place, error.fix)
    error.details = tuple(inside.sub(place, line) for line in error.details)


def explain(url: GitUrl, complaint: str) -> FarmError:
    """The error for what git printed; whatever is not known is taken for a network that may come back."""
    lines = tuple(line.strip() for line in complaint.splitlines() if line.strip())[-8:]
    if _NO_REF.search(complaint):
        name = url.ref or "default branch"
        return NoSuchRefError(
            f"{url.remote}: there is no branch or tag {name}",
            fix="check what follows #; a commit needs all its digits",
            details=lines,
        )
    if _NO_COMMIT.search(complaint):
        return NoSuchRefError(
            f"{url.remote}: the server does not hand out commit {url.ref}",
            fix="check that it exists, or name a branch or tag: not every server gives single commits",
            details=lines,
        )
    if _NO_REPOSITORY.search(complaint):
        return RefusedError(
            f"{url.remote}: there is no such repository, or it is not yours to see", fix="check the URL", details=lines
        )
    if _HOST_KEY.search(complaint):
        return RefusedError(
            f"{url.remote}: the server's host key is not known or has changed",
            fix="connect once with ssh and check the key",
            details=lines,
        )
    if _LOGIN.search(complaint):
        return RefusedError(
            f"{url.remote}: the server wants a login or refuses it",
            fix="set up a git credential helper or an ssh key that works without a prompt",
            details=lines,
        )
    if match := _PROTOCOL.search(complaint):
        return RefusedError(f"{url.remote}: farm does not use git's {match[1]!r} transport", details=lines)
    reason = next((line for line in lines if "fatal:" in line or "timed out" in line), lines[-1] if lines else "?")
    return UnreachableError(
        f"{url.remote}: git could not fetch: {reason}",
        fix="check the URL, and that this machine reaches it",
        details=tuple(line for line in lines if line != reason),
    )
