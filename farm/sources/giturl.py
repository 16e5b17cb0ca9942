"""Git URLs as build contexts: `https://host/repo.git#ref:subdirectory`, `git@host:repo.git`, and the query form.

Source: buildx's documentation of remote contexts, and BuildKit's util/gitutil and frontend/dockerfile/dfgitutil.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from farm.errors import UsageError

_SCHEMES = ("https", "http", "ssh", "git")
_SCHEME = re.compile(r"([a-zA-Z0-9][a-zA-Z0-9+.-]*)://")
_SCP = re.compile(r"([a-zA-Z0-9_-]+@[a-zA-Z0-9.-]+:[^?#]*)(?:\?([^#]*))?(?:#(.*))?\Z")
# git check-ref-format forbids these; beginning with - or + a ref would be an option or a forced update.
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|\A[-+/.]|[/.]\Z|\.lock\Z")
_LOGIN = re.compile(r"(?<=://)(?<!ssh://)[^/?#\s]*@")
_COMMIT = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitUrl:
    """A place in a repository.

    `remote` is what git is given, without secrets; `ref` a branch, a tag, a full ref or a commit, None for the default
    branch; `subdirectory` is relative, empty for the root; `checksum` what the commit must begin with, if given.
    """

    remote: str
    ref: str | None = None
    subdirectory: str = ""
    checksum: str = ""
    with_submodules: bool = True
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def is_commit(self) -> bool:
        """Whether the ref is a full commit already."""
        return bool(self.ref and _COMMIT.match(self.ref))

    def __str__(self) -> str:
        place = f":{self.subdirectory}" if self.subdirectory else ""
        return f"{self.remote}#{self.ref or ''}{place}" if self.ref or place else self.remote

    def at(self, path: str) -> str:
        """The same place for a path in the repository."""
        return str(replace(self, subdirectory=path))


def is_ref(name: str) -> bool:
    """Whether git takes the name for a branch's or a tag's; a strange server may tell others."""
    return not _BAD_REF.search(name)


def without_login(text: str) -> str:
    """Any text as it may be shown or kept: what stands for a login in a URL (but for the user of ssh) made `***`."""
    return _LOGIN.sub("***@", text)


def parse(text: str) -> GitUrl | None:
    """Read a git URL; None where the text is none but may be a path.

    Raises UsageError for what is clearly meant as a URL and cannot be used. Its message holds no secret.
    """
    if text.startswith("github.com/"):
        text = f"https://{text}" if ".git" in text else re.sub(r"\A([^?#]*[^/?#])/?", r"https://\1.git", text)
    if match := _SCP.match(text):
        return _checked(match[1], match[2] or "", match[3] or "", "", "")
    scheme = _SCHEME.match(text)
    if not scheme:
        if re.match(r"[a-z0-9]+::", text):
            raise UsageError(f"context {text.partition('::')[0]}::... is a git transport that farm does not use")
        return None
    if scheme[1].lower() not in _SCHEMES:
        raise UsageError(
            f"context with {scheme[1]}:// cannot be built", fix=f"use a directory, or one of {', '.join(_SCHEMES)}"
        )
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise UsageError(f"context {scheme[1]}://... is not a URL") from error
    if parts.scheme in ("http", "https") and not parts.path.endswith(".git"):
        raise UsageError(
            f"context {parts.scheme}://{parts.hostname or ''}{parts.path} is not a git repository's URL",
            fix="a git URL ends in .git; an archive must be downloaded and unpacked first",
        )
    if not parts.hostname:
        raise UsageError(f"context {parts.scheme}://... names no host")
    secret = parts.scheme in ("http", "https") and "@" in parts.netloc
    host = parts.netloc.rpartition("@")[2] if secret or parts.password else parts.netloc
    if parts.password and not secret:
        raise UsageError(
            f"context {parts.scheme}://{host}{parts.path} holds a password that {parts.scheme} cannot use",
            fix="use a key for ssh",
        )
    remote = urlunsplit((parts.scheme, host, parts.path, "", ""))
    username, password = (unquote(parts.username or ""), unquote(parts.password or "")) if secret else ("", "")
    return _checked(remote, parts.query, parts.fragment, username, password)


def _checked(remote: str, query: str, fragment: str, username: str, password: str) -> GitUrl:
    ref, _, subdirectory = fragment.partition(":")
    options = _options(remote, query)
    ref = _one(remote, "ref", ref, options.get("ref", ""), _full("tags", options), _full("heads", options))
    subdirectory = _one(remote, "subdirectory", subdirectory, options.get("subdir", ""))
    if ref and not is_ref(ref):
        raise UsageError(f"context {remote}: {ref!r} is not a branch, a tag or a commit")
    subdirectory = posixpath.normpath(f"/{subdirectory}").lstrip("/")
    checksum = options.get("checksum") or options.get("commit") or ""
    if checksum and not re.fullmatch(r"[0-9a-f]{7,64}", checksum):
        raise UsageError(f"context {remote}: {checksum!r} is not a commit")
    return GitUrl(
        remote=remote,
        ref=ref or (checksum if _COMMIT.match(checksum) else None),
        subdirectory=subdirectory,
        checksum=checksum,
        with_submodules=options.get("submodules", "true").lower() not in ("0", "f", "false"),
        username=username,
        password=password,
    )


_KNOWN = ("ref", "tag", "branch", "subdir", "checksum", "commit", "submodules")


def _options(remote: str, query: str) -> dict[str, str]:
    found = dict(parse_qsl(query, keep_blank_values=True))
    for name in found:
        if name not in _KNOWN:
            raise UsageError(f"context {remote}: farm does not know ?{name}=", fix=f"it knows {', '.join(_KNOWN)}")
    return found


def _full(kind: str, options: dict[str, str]) -> str:
    name = options.get("tag" if kind == "tags" else "branch", "")
    return f"refs/{kind}/{name.removeprefix(f'refs/{kind}/')}" if name else ""


def _one(remote: str, what: str, *values: str) -> str:
    """The one value that was given, however many times."""
    different = sorted({value for value in values if value})
    if len(different) > 1:
        raise UsageError(f"context {remote}: it names more than one {what}: {', '.join(different)}")
    return different[0] if different else ""
