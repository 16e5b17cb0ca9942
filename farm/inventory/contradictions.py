"""What is wrong between values that are right alone: a node without a host, one platform twice, one endpoint twice.

It looks at the data as written, before anything is checked, so that these mistakes are reported together with all
others; whatever has the wrong type is left to the other checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from farm import platforms
from farm.inventory.document import Document
from farm.inventory.explain import subject
from farm.inventory.mistakes import Mistake, plain
from farm.inventory.walk import Location
from farm.report import words

_SSH_KEYS = ("host", "port", "user", "key", "known_hosts", "jump")
_ENDPOINT_KEYS = ("host", "port", "user", "jump", "engine", "socket")


def find(data: Mapping[str, Any], document: Document) -> Iterator[Mistake]:
    """Every contradiction in an inventory's data."""
    if data.get("nodes") == {}:
        yield document.mistake(("nodes",), "`nodes` is empty", expected="at least one node")
    defaults = _mapping(data.get("defaults"))
    declared = _mapping(data.get("nodes"))
    nodes = {name: _mapping(entry) for name, entry in declared.items() if entry is None or isinstance(entry, dict)}
    yield from _repetitions(("defaults",), defaults, document)
    for name, entry in nodes.items():
        yield from _repetitions(("nodes", name), entry, document)
        yield from _ssh_keys(name, entry, defaults, document)
    yield from _shared_endpoints(nodes, defaults, document)
    for name, entry in _mapping(data.get("registries")).items():
        if _mapping(entry).get("http") is True and "ca" in entry:
            yield document.mistake(
                ("registries", name, "ca"),
                f"registry {plain(name)}: `ca` has no meaning with plain HTTP",
                hint="remove `ca` or `http`",
                at_key=True,
            )
    yield from _pauses(_mapping(data.get("retry")), document)


def _pauses(retry: Mapping[str, Any], document: Document) -> Iterator[Mistake]:
    said = [retry.get(key) for key in ("pause", "longest_pause")]
    first, longest = (words.read_seconds(text) if isinstance(text, str) else None for text in said)
    if first and longest and first > longest:
        yield document.mistake(
            ("retry", "pause"),
            f"retry: `pause` is {said[0]}, longer than the `longest_pause` of {said[1]}",
            hint="the pause doubles from `pause` to `longest_pause`",
        )


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _repetitions(owner: Location, entry: Mapping[str, Any], document: Document) -> Iterator[Mistake]:
    spellings: dict[str, Callable[[str], object]] = {"platforms": platforms.parse, "labels": str}
    for key, meaning in spellings.items():
        seen: set[object] = set()
        values = entry.get(key)
        for at, text in enumerate(values if isinstance(values, list) else []):
            if not isinstance(text, str):
                continue
            try:
                value = meaning(text)
            except ValueError:
                continue
            if value in seen:
                yield document.mistake(
                    (*owner, key, at), f"{subject((*owner, key))} holds {value} twice", hint="remove one of them"
                )
            seen.add(value)


def _ssh_keys(
    name: str, entry: Mapping[str, Any], defaults: Mapping[str, Any], document: Document
) -> Iterator[Mistake]:
    """A node is reached over SSH and says where, or it is this machine and says nothing of SSH itself."""
    if entry.get("engine", defaults.get("engine")) == "local":
        for key in entry.keys() & set(_SSH_KEYS):
            yield document.mistake(
                ("nodes", name, key),
                f"node {plain(name)}: `{key}` has no meaning with engine local, which is this machine, without SSH",
                hint=f"remove `{key}`, or choose another engine",
                at_key=True,
            )
    # A misspelt `host` is already reported as an unknown key.
    elif "host" not in defaults and not get_close_matches("host", entry):
        yield document.mistake(
            ("nodes", name),
            f"node {plain(name)} has no `host`",
            expected="a host name or an IP address, or `engine: local` for this machine",
            at_key=True,
        )


def _shared_endpoints(
    nodes: Mapping[str, Mapping[str, Any]], defaults: Mapping[str, Any], document: Document
) -> Iterator[Mistake]:
    """Two nodes that are one: most often a copied entry whose host was not changed."""
    seen: dict[str, str] = {}
    for name, entry in nodes.items():
        whole = {**defaults, **entry}
        local = whole.get("engine") == "local"
        if not local and "host" not in whole:
            continue
        keys = ("engine", "socket") if local else _ENDPOINT_KEYS
        first = seen.setdefault(repr([whole.get(key) for key in keys]), name)
        if first != name:
            place = document.keys["nodes", first]
            yield document.mistake(
                ("nodes", name),
                f"node {plain(name)} is reached exactly as node {plain(first)}",
                hint=f"first at {document.source}:{place.line}:{place.column}; change its host, or raise `slots` there",
                at_key=True,
            )
