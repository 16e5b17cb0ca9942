"""The text of a first inventory: it parses back to the same nodes, and a person edits it from then on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from farm.init.candidates import Candidate
from farm.platforms import Platform
from farm.report.plain import clean

_HEAD = """\
# The boards that farm builds on, as `farm init` found them. Change what you like: the README has every key.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A board in the file. `notes` stand above it; one that is not `is_active` stands there as a comment."""

    candidate: Candidate
    platforms: tuple[Platform, ...] = ()
    notes: tuple[str, ...] = ()
    is_active: bool = True


def inventory(entries: Sequence[Entry], *, user: str | None, key: str | None) -> str:
    """The file, with `user` and `key` as what holds for all nodes."""
    lines = [_HEAD.rstrip()]
    defaults = [f"  {name}: {_scalar(value)}" for name, value in (("user", user), ("key", key)) if value]
    if defaults:
        lines += ["", "defaults:", *defaults]
    lines += ["", "nodes:"]
    for number, entry in enumerate(entries):
        lines += [""] if number else []
        lines += [f"  # {clean(note)}" for note in entry.notes]
        mark = "" if entry.is_active else "# "
        lines += [f"  {mark}{line}" for line in _node(entry)]
    return "\n".join(lines) + "\n"


def _node(entry: Entry) -> Iterator[str]:
    it = entry.candidate
    yield f"{_scalar(it.name)}:"
    for name, value in (("host", it.host), ("port", it.port), ("user", it.user), ("key", it.key), ("jump", it.jump)):
        if value is not None:
            yield f"  {name}: {_scalar(value)}"
    if platforms := [str(platform) for platform in entry.platforms] or list(it.platforms):
        yield f"  platforms: {_list(platforms)}"
    if it.labels:
        yield f"  labels: {_list(it.labels)}"


def _list(words: Iterable[str]) -> str:
    return f"[{', '.join(_scalar(word) for word in words)}]"


def _scalar(value: str | int) -> str:
    """As YAML reads it back: `on`, `1.5` and `a: b` need quotes, and so does what would end a list."""
    import yaml

    text: str = yaml.safe_dump([value], default_flow_style=True, width=10_000, allow_unicode=True)
    return text.strip()[1:-1]
