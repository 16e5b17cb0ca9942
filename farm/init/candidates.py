"""A board that may become a node, as the command line or another tool tells of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from farm.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A board that may be reached by SSH. `name` is what its owner calls it, not yet one that a node may have.

    `platforms` is what another tool declares for it, for when it does not answer now. `is_named`: the user has named
    it here and now, and did not only leave it in a file of another tool. `origin` says where it comes from.
    """

    name: str
    host: str
    port: int | None = None
    user: str | None = None
    key: str | None = None
    jump: str | None = None
    labels: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    is_named: bool = False
    origin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Something that another tool knows and that cannot become a node, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one source has come to."""

    candidates: Sequence[Candidate] = ()
    skipped: Sequence[Skipped] = ()

    @classmethod
    def of(cls, found: Iterable[Candidate | Skipped]) -> Found:
        """Each where it belongs, in the order given."""
        everything = list(found)
        return cls(
            candidates=[each for each in everything if isinstance(each, Candidate)],
            skipped=[each for each in everything if isinstance(each, Skipped)],
        )


_HOST = re.compile(
    r"(?:(?P<name>[^=@/\s]+)=)?(?:(?P<user>[^@\s]+)@)?"
    r"(?:\[(?P<bracketed>[^\]\s]+)\]|(?P<host>[^:@=\s]+|[^\[\]@=\s]*:[^\[\]@=\s]*:[^\[\]@=\s]*))(?::(?P<port>[0-9]{1,5}))?"
)


def from_argument(text: str) -> Candidate:
    """Read `[name=][user@]host[:port]`, an IPv6 address in brackets where a port follows. Raises UsageError."""
    found = _HOST.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is not a host", fix="write [NAME=][USER@]HOST[:PORT], such as pi4=pi@192.168.1.10")
    host = found["bracketed"] or found["host"]
    return Candidate(
        name=found["name"] or _short(host),
        host=host,
        port=int(found["port"]) if found["port"] else None,
        user=found["user"],
        is_named=True,
    )


def from_url(name: str, url: str, *, origin: str) -> Candidate | Skipped:
    """Read an endpoint such as `ssh://user@host:port/path` of another tool, whose path is of no use here."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return Skipped(name=name, why=f"its address {without_password(url)!r} makes no sense")
    if parts.scheme != "ssh" or not host:
        kind = f"by {parts.scheme}://" if parts.scheme else "here"
        return Skipped(name=name, why=f"it is reached {kind}, and farm goes by SSH")
    user = unquote(parts.username) if parts.username else None
    return Candidate(name=name, host=host, port=port, user=user, origin=origin)


def without_password(url: str) -> str:
    """The address as it may be shown."""
    return re.sub(r"(?<=:)[^/@\s]+(?=@)", "***", url)


def _short(host: str) -> str:
    """What people call a host: the first word of its name; an address as it is."""
    is_address = ":" in host or re.fullmatch(r"[0-9.]+", host)
    return host if is_address else host.partition(".")[0]
