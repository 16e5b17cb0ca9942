"""The tags of an image, from the rules that `tags:` lists and the ref that is built. Pure.

An entry is a rule, a template or a tag as it stands. The rules:

    branch    a branch: its name
    tag       a git tag: its name
    ref       either: its name
    default   the default branch, or a directory: latest and edge
    edge      the default branch, or a directory: edge
    version   the git tag v1.2.3: 1.2.3, 1.2 and 1, and latest unless the default branch takes that
    sha       sha- and the commit's first seven digits; of several refs at one commit the first has it
    date      the day of the run (UTC): 20261124

Only the highest release of a line moves 1.2, 1 and latest, whichever is built last; releases of the whole repository
count, but for those that `refs:` leaves out with `!`. A pre-release moves none of them, and there is no tag `0`.

A template is a text with {branch}, {version}, {major}, {minor}, {patch}, {sha}, {short}, {date}, {ref} or {image}; it
counts for what has all that it names: "{major}.{minor}-alpine" for versions, and for the highest of each line alone.

What cannot stand in a tag becomes a hyphen. Without `tags:` the rules are branch, default and version; then a git tag
that is no version has its name, a commit without a branch its sha, and a directory is latest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from farm.errors import UsageError
from farm.inventory.images import TAG_RULES
from farm.sources import releases
from farm.sources.refs import Ref
from farm.sources.releases import Line, Release

DEFAULT_RULES = ("branch", "default", "version")
FIELDS = ("branch", "version", "major", "minor", "patch", "sha", "short", "date", "ref", "image")

_OF_GIT = ("branch", "tag", "ref", "version", "sha")
_LONGEST = 128
_TAG = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{_LONGEST - 1}}}")
_FIELD = re.compile(r"\{([^{}]*)\}")
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]+")
_SHORT = 7
# As many numbers as a template must fit in to stand for one release: {major} is a line's, {patch} a release's.
_NUMBERS = {"major": 1, "minor": 2, "patch": 3}
_UNIQUE = {"version", "sha", "short", "ref"}
# What all refs at one commit share, and what all refs do.
_OF_COMMIT, _OF_RUN = {"sha", "short"}, {"date", "image"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is tagged: an image by its name, at a `ref` (None for a directory), on a `date` (20261124).

    `names_commit`: it is the first of the refs that stand for its commit, and has the tags that only name that one.
    `is_default` for the default branch; `heads` are the highest releases of the repository (`releases.heads`), and the
    highest of all takes `latest` unless the default branch does.
    """

    image: str
    date: str
    ref: Ref | None = None
    names_commit: bool = True
    is_default: bool = False
    default_takes_latest: bool = False
    heads: Mapping[Line, Release] = field(default_factory=dict)

    @property
    def release(self) -> Release | None:
        """The version that it is, None for branches and other tags."""
        return releases.parse(self.ref.short) if self.ref and self.ref.is_tag else None


def check(entries: Sequence[str]) -> None:
    """Raises UsageError for a template that cannot be filled, and for what cannot be a tag as it stands."""
    for entry in entries:
        if entry in TAG_RULES:
            continue
        for name in _FIELD.findall(entry):
            if name not in FIELDS:
                raise UsageError(f"tags: {entry!r} names {{{name}}}", fix=f"there are {_list(FIELDS)}")
        rest = _FIELD.sub("x", entry)
        if not _TAG.fullmatch(rest):
            raise UsageError(
                f"tags: {entry!r} is no tag, no template and no rule",
                fix=f"write letters, digits, _ . - and {{version}} and the like, or a rule: {', '.join(TAG_RULES)}",
            )


def of(entries: Sequence[str], subject: Subject) -> tuple[str, ...]:
    """All tags, each once, in the order of the entries.

    Raises UsageError where a tag would be empty or too long, or where no entry gives one.
    """
    check(entries)
    found = [tag for entry in entries or DEFAULT_RULES for tag in _of(entry, subject, is_said=bool(entries))]
    if not entries and not found:
        found = list(_of_last_resort(subject))
    for tag in found:
        if not _TAG.fullmatch(tag):
            what = f"it would have {len(tag)} characters" if tag else "nothing in its name can stand in one"
            raise UsageError(
                f"{_name(subject)} cannot be a tag: {what}",
                fix=f"leave it out with '!{_name(subject)}' in refs:, or give tags: a template such as sha-{{short}}",
            )
    if not found:
        raise UsageError(
            f"{', '.join(entries)} in tags: gives {_name(subject)} no tag",
            fix=f"add a rule that does ({', '.join(TAG_RULES)}), or leave it out of refs:",
        )
    return tuple(dict.fromkeys(found))


def fit(name: str) -> str:
    """A name with a hyphen for each run of what cannot stand in a tag; empty where nothing is left."""
    return _UNFIT.sub("-", name).lstrip(".-").rstrip("-")


def _of(entry: str, subject: Subject, *, is_said: bool) -> Sequence[str]:
    ref, release = subject.ref, subject.release
    if ref is None and is_said and entry in _OF_GIT:
        raise UsageError(
            f"tags: {entry} needs a git repository, and the context is a directory",
            fix="write the tag itself, such as latest",
        )
    is_default = subject.is_default or ref is None
    match entry:
        case "branch":
            return [fit(ref.short)] if ref and ref.is_branch else []
        case "tag":
            return [fit(ref.short)] if ref and ref.is_tag else []
        case "ref":
            return [fit(ref.short)] if ref and ref.name else []
        case "default":
            return ["latest", "edge"] if is_default and (ref or is_said) else []
        case "edge":
            return ["edge"] if is_default else []
        case "version":
            return _of_release(release, subject) if release else []
        case "sha":
            return [f"sha-{ref.commit[:_SHORT]}"] if ref and subject.names_commit else []
        case "date":
            return [subject.date]
    return _filled(entry, subject)


def _of_release(release: Release, subject: Subject) -> list[str]:
    found = [fit(str(release))]
    found += [
        ".".join(release.numbers[:length])
        for length in range(len(release.numbers) - 1, 0, -1)
        if _leads(release, length, subject)
    ]
    if _leads(release, 0, subject) and not subject.default_takes_latest:
        found.append("latest")
    return found


def _leads(release: Release, length: int, subject: Subject) -> bool:
    """Whether the release is the highest of those with its first `length` numbers; nobody wants 0 for 0.9."""
    if length == 1 and not int(release.numbers[0]):
        return False
    return subject.heads.get(release.line(length)) == release


def _filled(template: str, subject: Subject) -> list[str]:
    names = set(_FIELD.findall(template))
    values = _values(subject)
    if any(values.get(name) is None for name in names):
        return []
    if not names.isdisjoint(_OF_COMMIT) and names <= _OF_COMMIT | _OF_RUN and not subject.names_commit:
        return []
    length = max((_NUMBERS[name] for name in names & _NUMBERS.keys()), default=None)
    if length and not names & _UNIQUE and not (subject.release and _leads(subject.release, length, subject)):
        return []
    return [_FIELD.sub(lambda match: values[match[1]] or "", template)]


def _values(subject: Subject) -> dict[str, str | None]:
    ref, release = subject.ref, subject.release
    numbers = dict(zip(_NUMBERS, release.numbers, strict=False)) if release else {}
    return {
        "image": fit(subject.image),
        "date": subject.date,
        "branch": fit(ref.short) if ref and ref.is_branch else None,
        "ref": fit(ref.short) if ref and ref.name else None,
        "sha": ref.commit if ref else None,
        "short": ref.commit[:_SHORT] if ref else None,
        "version": fit(str(release)) if release else None,
        **numbers,
    }


def _of_last_resort(subject: Subject) -> Sequence[str]:
    if subject.ref is None:
        return ["latest"]
    return _of("tag", subject, is_said=False) or _of("sha", subject, is_said=False)


def _name(subject: Subject) -> str:
    if subject.ref is None:
        return "a directory"
    return subject.ref.short or f"commit {subject.ref.commit[:_SHORT]}"


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
