"""Entries of what `buildx bake --print` says, as values of the options of `buildx build`. Pure.

Older ones print such an entry as it was written (0.13 does), newer ones its fields (buildx, util/buildflags).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from farm.build import fields


def plain(text: str) -> str:
    """A text as it was before buildx made it fit for a bake file again, where `${` and `%{` begin an expression."""
    return text.replace("$${", "${").replace("%%{", "%{")


def pairs(said: Mapping[str, Any] | None) -> tuple[str, ...]:
    """`NAME=VALUE` of each; one without a value is none, as in buildx."""
    return tuple(f"{name}={plain(str(value))}" for name, value in (said or {}).items() if value is not None)


def entries(said: Sequence[Any] | None, first: str = "type") -> tuple[str, ...]:
    """Outputs, caches, attestations and secrets; `first` is the field that comes first."""
    return tuple(entry if isinstance(entry, str) else _entry(entry, first) for entry in said or ())


def agents(said: Sequence[Any] | None) -> tuple[str, ...]:
    """SSH agents and keys, `ID` or `ID=PATH,PATH`."""
    return tuple(entry if isinstance(entry, str) else _agent(entry) for entry in said or ())


def limits(said: Mapping[str, Any] | Sequence[str] | None) -> tuple[str, ...]:
    """Limits of resources, `NAME=VALUE`."""
    return pairs(said) if isinstance(said, Mapping) else tuple(said or ())


def policies(said: Sequence[Any] | None) -> tuple[str, ...]:
    """Policies that judge a build's sources; buildx prints the fields of its own type."""
    return tuple(entry if isinstance(entry, str) else _policy(entry) for entry in said or ())


def _entry(entry: Mapping[str, Any], first: str) -> str:
    words = {name: _word(value) for name, value in entry.items() if value != ""}
    return fields.join({name: words[name] for name in sorted(words, key=lambda name: (name != first, name))})


def _agent(entry: Mapping[str, Any]) -> str:
    paths = ",".join(entry.get("paths") or ())
    return f"{entry['id']}={paths}" if paths else str(entry["id"])


def _policy(entry: Mapping[str, Any]) -> str:
    files: Iterable[Mapping[str, Any]] = entry.get("Files") or ()
    flags = {
        name: _word(entry[key])
        for key, name in (("Reset", "reset"), ("Disabled", "disabled"), ("Strict", "strict"), ("LogLevel", "log-level"))
        if entry.get(key) not in (None, False) or (key == "Strict" and entry.get(key) is False)
    }
    return fields.line([*(f"filename={file['Filename']}" for file in files), *(f"{k}={v}" for k, v in flags.items())])


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
