"""Image references as Docker reads them: `alpine` is `docker.io/library/alpine:latest`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from farm.errors import UsageError

# The grammar is that of github.com/distribution/reference (reference.go, regexp.go, normalize.go).
_DOMAIN_LABEL = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)"
_DOMAIN = re.compile(rf"(?:{_DOMAIN_LABEL}(?:\.{_DOMAIN_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?\Z")
_PATH_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*\Z")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
_DIGEST = re.compile(r"(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})\Z")
_IMAGE_ID = re.compile(r"[a-f0-9]{64}\Z")
_LONGEST_PATH = 255
_LONGEST_TAG = 128
_HUB = "docker.io"
_HUB_LEGACY = "index.docker.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One image in one registry, every part in full: nothing is left to defaults but the tag."""

    domain: str
    path: str
    tag: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        return self.repository + self._suffix

    @property
    def repository(self) -> str:
        """The name without tag and digest: `reg:5000/hello`."""
        return f"{self.domain}/{self.path}"

    @property
    def familiar(self) -> str:
        """The name as people write it: `alpine:3.20`, `me/tool`; the same as `str()` outside Docker Hub."""
        if self.domain != _HUB:
            return str(self)
        library, _, name = self.path.partition("/")
        short = name if library == "library" and "/" not in name else self.path
        return short + self._suffix

    @property
    def _suffix(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def with_default_tag(self) -> Reference:
        """The same reference, tagged `latest` where it has neither a tag nor a digest."""
        return self if self.tag or self.digest else replace(self, tag="latest")

    def with_digest(self, digest: str) -> Reference:
        """The same name and tag, fixed to a digest."""
        return replace(self, digest=digest)


def is_digest(text: str) -> bool:
    """Whether the text is a whole digest of a kind that farm can check."""
    return _DIGEST.match(text) is not None


def parse(text: str) -> Reference:
    """Read a reference the way Docker does.

    Raises UsageError that says which part is wrong and how a right one looks.
    """
    if not text:
        raise _wrong(text, "it is empty", "write a name such as reg.example:5000/hello:1.0")
    if _IMAGE_ID.match(text):
        raise _wrong(text, "64 hexadecimal digits are an image ID, not a name", "give the image a name")
    rest, at, digest = text.partition("@")
    if at and not _DIGEST.match(digest):
        raise _wrong(text, f"{digest!r} is not a digest", "a digest is sha256: and 64 hexadecimal digits in lower case")
    domain, rest = _split_domain(rest)
    path, colon, tag = rest.partition(":")
    if not _DOMAIN.match(domain):
        raise _wrong(text, f"{domain!r} is not a registry's host name", "write host or host:port before the first /")
    _check_path(text, path)
    if colon:
        _check_tag(text, tag)
    if domain == _HUB and "/" not in path:
        path = f"library/{path}"
    return Reference(domain=domain, path=path, tag=tag or None, digest=digest or None)


def _split_domain(name: str) -> tuple[str, str]:
    """A first component is a registry only if it cannot be anything else (a dot, a port, upper case, localhost)."""
    first, slash, rest = name.partition("/")
    if not slash or not (first == "localhost" or "." in first or ":" in first or first != first.lower()):
        return _HUB, name
    return (_HUB if first == _HUB_LEGACY else first), rest


def _check_path(text: str, path: str) -> None:
    if path != path.lower():
        raise _wrong(text, f"the repository name {path!r} has upper-case letters", f"write {path.lower()}")
    if len(path) > _LONGEST_PATH:
        raise _wrong(text, f"the repository name has {len(path)} characters", f"use at most {_LONGEST_PATH}")
    for component in path.split("/"):
        if not _PATH_COMPONENT.match(component):
            raise _wrong(
                text,
                f"{component!r} cannot stand in a repository name" if component else "a part of the name is empty",
                "use a-z and 0-9, with single . or _, or - between them",
            )


def _check_tag(text: str, tag: str) -> None:
    if len(tag) > _LONGEST_TAG:
        raise _wrong(text, f"the tag has {len(tag)} characters", f"use at most {_LONGEST_TAG}")
    if not _TAG.match(tag):
        raise _wrong(
            text,
            f"{tag!r} is not a tag" if tag else "the tag is empty",
            "use letters, digits, _ . and -, and begin with none of the last two",
        )


def _wrong(text: str, reason: str, fix: str) -> UsageError:
    return UsageError(f"{text[:300]!r} is not an image reference: {reason}", fix=fix)
