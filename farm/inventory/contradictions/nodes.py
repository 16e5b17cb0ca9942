"""A node without a host, one platform twice, one endpoint twice, what its engine has no use for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from farm.inventory.contradictions import repetitions
from farm.inventory.contradictions.places import entries, mapping
from farm.inventory.document import Document
from farm.inventory.mistakes import Mistake, plain

_LISTS = ("platforms", "labels")
_SSH_KEYS = ("host", "port", "user", "key", "known_hosts", "jump")
_ENDPOINT_KEYS = ("host", "port", "user", "jump", "engine", "socket")


def find(data: Mapping[str, Any], document: Document) -> Iterator[Mistake]:
    """Every contradiction between what nodes say."""
    if data.get("nodes") == {}:
        yield document.mistake(("nodes",), "`nodes` is empty", expected="at least one node")
    defaults = mapping(data.get("defaults"))
    nodes = entries(data, "nodes")
    yield from repetitions.find(("defaults",), defaults, _LISTS, document)
    for name, entry in nodes.items():
        yield from repetitions.find(("nodes", name), entry, _LISTS, document)
        yield from _ssh_keys(name, entry, defaults, document)
        yield from _useless(name, entry, defaults, document)
    yield from _shared_endpoints(nodes, defaults, document)


def _ssh_keys(
    name: str, entry: Mapping[str, Any], defaults: Mapping[str, Any], document: Document
) -> Iterator[Mistake]:
    """A node is reached over SSH and says where, or it is this machine and says nothing of SSH itself."""
    if entry.get("engine", defaults.get("engine")) == "local":
        for key in entry.keys() & set(_SSH_KEYS):
            reason = "which is this machine, without SSH"
            yield _no_meaning(
                document, name, key, f"engine local, {reason}", f"remove `{key}`, or choose another engine"
            )
    # A misspelt `host` is already reported as an unknown key.
    elif "host" not in defaults and not get_close_matches("host", entry):
        yield document.mistake(
            ("nodes", name),
            f"node {plain(name)} has no `host`",
            expected="a host name or an IP address, or `engine: local` for this machine",
            at_key=True,
        )


def _useless(name: str, entry: Mapping[str, Any], defaults: Mapping[str, Any], document: Document) -> Iterator[Mistake]:
    """What farm does with an engine of its own, or with a board that is somewhere else."""
    engine = entry.get("engine", defaults.get("engine", "auto"))
    if engine == "local":
        for key in entry.keys() & {"limits", "power"}:
            reason = "engine local: farm neither sets this machine up nor switches it off"
            yield _no_meaning(document, name, key, reason, f"remove `{key}`")
    if "image" in entry and engine in ("buildkitd", "docker", "local"):
        yield _no_meaning(document, name, "image", f"engine {engine}", "remove `image`, or write `engine: container`")


def _no_meaning(document: Document, name: str, key: str, reason: str, hint: str) -> Mistake:
    message = f"node {plain(name)}: `{key}` has no meaning with {reason}"
    return document.mistake(("nodes", name, key), message, hint=hint, at_key=True)


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
