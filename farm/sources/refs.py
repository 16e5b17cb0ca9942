"""The branches and tags of a git repository, and which of them `refs:` of an image selects. Pure.

An entry of `refs:` is one string, in which `*` stands for any text (slashes too, as for git), `?` for one character and
`[a-z]` for one of several:

    main              the branch or tag of that name
    v*                all branches and tags whose name begins with v
    tags/v*           tags alone; heads/v* branches alone
    HEAD              the default branch, whatever its name
    v* newest 3       of these, the three that are the highest versions
    !v0.*             none of these, whatever the other entries say
"""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from farm.errors import UsageError
from farm.sources import giturl, releases

LARGEST = 200
"""As many refs may be selected for one image: each is built."""

_BRANCHES, _TAGS = "refs/heads/", "refs/tags/"
_PEELED = "^{}"
_LINE = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64})\t(.+)")
_SYMREF = re.compile(r"ref: (refs/heads/.+)\tHEAD")
_ENTRY = re.compile(r"(!?)(?:refs/)?(?:(heads|tags)/)?(\S+?)(?:\s+newest\s+([1-9][0-9]{0,3}))?")
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """A branch or a tag: its full name (`refs/tags/v1.2.3`) and the commit that it stands for.

    The name is empty for a commit that no branch or tag was named for.
    """

    name: str
    commit: str

    @property
    def is_tag(self) -> bool:
        """Whether it is a tag."""
        return self.name.startswith(_TAGS)

    @property
    def is_branch(self) -> bool:
        """Whether it is a branch."""
        return self.name.startswith(_BRANCHES)

    @property
    def short(self) -> str:
        """The name as people write it: `v1.2.3`, `main`."""
        return self.name.removeprefix(_TAGS if self.is_tag else _BRANCHES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refs:
    """All branches and tags of a repository; `default` is the full name of its default branch, None without one."""

    refs: tuple[Ref, ...]
    default: str | None = None

    def named(self, name: str) -> Ref | None:
        """The ref of that full or short name; a branch before a tag, as in BuildKit."""
        by_name = {ref.name: ref for ref in self.refs}
        return by_name.get(name) or by_name.get(_BRANCHES + name) or by_name.get(_TAGS + name)


def parse(listing: str) -> Refs:
    """Read what `git ls-remote --symref` prints. An annotated tag is taken for the commit that it points to."""
    commits: dict[str, str] = {}
    peeled: dict[str, str] = {}
    default = head = None
    for line in listing.split("\n"):  # other ends of lines may stand in a name
        if match := _SYMREF.fullmatch(line):
            default = match[1]
        elif match := _LINE.fullmatch(line):
            name = match[2].removesuffix(_PEELED)
            if name == "HEAD":
                head = match[1]
            elif name.startswith((_BRANCHES, _TAGS)) and giturl.is_ref(name):
                (peeled if name != match[2] else commits)[name] = match[1]
    refs = tuple(Ref(name=name, commit=commit) for name, commit in (commits | peeled).items())
    return Refs(refs=refs, default=default if default in commits else _guessed(commits, head))


def _guessed(commits: Mapping[str, str], head: str | None) -> str | None:
    """The default branch by its commit, as git guesses it (remote.c) where a server does not name it."""
    same = [name for name, commit in commits.items() if commit == head and name.startswith(_BRANCHES)]
    usual = [name for name in (_BRANCHES + "main", _BRANCHES + "master") if name in same]
    return next(iter(usual or same), None)


def check(entries: Sequence[str]) -> None:
    """Raises UsageError for what is not as described above, and for entries that leave nothing but refs out."""
    if entries and all(is_out for is_out, *_ in map(_cut, entries)):
        raise UsageError("refs: every entry only leaves refs out", fix="add one that selects some, such as v*")


def permitted(found: Refs, entries: Sequence[str]) -> list[Ref]:
    """All refs but those that an entry leaves out."""
    out = [_matcher(kind, pattern, found.default) for is_out, kind, pattern, _ in map(_cut, entries) if is_out]
    return [ref for ref in found.refs if not any(matches(ref) for matches in out)]


def selected(found: Refs, entries: Sequence[str], *, most: int = LARGEST) -> tuple[Ref, ...]:
    """The refs that the entries select: branches by name, then tags, the highest version first.

    Raises UsageError for an entry that selects nothing, and where they select more than `most`.
    """
    check(entries)
    kept = permitted(found, entries)
    wanted: set[Ref] = set()
    for entry in entries:
        is_out, kind, pattern, newest = _cut(entry)
        if is_out:
            continue
        matches = _matcher(kind, pattern, found.default)
        some = [ref for ref in kept if matches(ref)]
        if not some:
            raise _nothing(entry, found)
        wanted.update(_newest(some)[:newest])
    if len(wanted) > most:
        first = next(entry for entry in entries if not entry.startswith("!"))
        raise UsageError(
            f"refs: {', '.join(entries[:_SHOWN])} selects {len(wanted)} branches and tags; farm builds at most {most}",
            fix=f"take the newest, as in '{first.split()[0]} newest 3', or leave some out with !PATTERN",
        )
    branches = sorted((ref for ref in wanted if ref.is_branch), key=lambda ref: ref.name)
    return (*branches, *_newest(ref for ref in wanted if ref.is_tag))


def _cut(entry: str) -> tuple[bool, str, str, int | None]:
    """Whether an entry leaves refs out, heads or tags alone or "" for both, the pattern, and how many at most."""
    match = _ENTRY.fullmatch(entry)
    if not match or (match[1] and match[4]):
        raise UsageError(
            f"refs: {entry!r} is no pattern of branches and tags",
            fix="write main, v*, tags/v*, HEAD, v* newest 3, or !v0.* for what is left out",
        )
    return bool(match[1]), match[2] or "", match[3], int(match[4]) if match[4] else None


def _matcher(kind: str, pattern: str, default: str | None) -> Callable[[Ref], bool]:
    if pattern == "HEAD" and not kind:
        return lambda ref: ref.name == default
    matches = re.compile(fnmatch.translate(pattern)).match
    prefix = f"refs/{kind}/" if kind else "refs/"
    return lambda ref: ref.name.startswith(prefix) and matches(ref.short) is not None


def _newest(some: Iterable[Ref]) -> list[Ref]:
    return sorted(some, key=lambda ref: releases.key(ref.short), reverse=True)


def _nothing(entry: str, found: Refs) -> UsageError:
    if not found.refs:
        return UsageError(f"refs: {entry} selects nothing: the repository has no branch and no tag", fix="push one")
    _, kind, pattern, _ = _cut(entry)
    if pattern == "HEAD" and not kind:
        return UsageError("the repository does not say which branch is its default", fix="name one in refs:")
    near = difflib.get_close_matches(pattern, [ref.short for ref in found.refs], n=1)
    fix = f"did you mean {near[0]}?" if near else f"it has {_some(found)}"
    return UsageError(f"refs: {entry} selects no branch or tag of the repository that is not left out", fix=fix)


def _some(found: Refs) -> str:
    shown = ", ".join(ref.short for ref in found.refs[:_SHOWN])
    return f"{shown} and {len(found.refs) - _SHOWN} more" if len(found.refs) > _SHOWN else shown
