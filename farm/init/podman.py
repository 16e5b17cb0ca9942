"""The connections of podman: podman-connections.json, and containers.conf where older versions keep them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from farm.errors import UsageError
from farm.init.candidates import Candidate, Found, Skipped, from_url


def connections(files: Mapping[str, str]) -> Found:
    """The boards of all connections, from the text of each file by its path; the first word on a name counts.

    Raises UsageError for a file that cannot be read.
    """
    known: dict[str, Mapping[str, Any]] = {}
    for path, text in files.items():
        try:
            own = _json(text) if path.endswith(".json") else _toml(text)
            known |= {name: own[name] for name in own if name not in known}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(
                f"{path} cannot be read as podman's: {error}", fix="see `podman system connection list`"
            ) from error
    return Found.of(_connection(*each) for each in _addresses(known))


def _connection(name: str, uri: str, identity: str | None) -> Candidate | Skipped:
    origin = f"podman connection {name}"
    found = from_url(name, uri, origin=origin)
    return replace(found, key=identity) if isinstance(found, Candidate) else Skipped(name=origin, why=found.why)


def _addresses(known: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str, str | None]]:
    for name, entry in sorted(known.items()):
        words = {key.lower(): value for key, value in entry.items()}
        yield name, str(words.get("uri", "")), str(words["identity"]) if words.get("identity") else None


def _json(text: str) -> dict[str, Mapping[str, Any]]:
    return dict((json.loads(text).get("Connection") or {}).get("Connections") or {})


def _toml(text: str) -> dict[str, Mapping[str, Any]]:
    return dict(tomllib.loads(text).get("engine", {}).get("service_destinations", {}))
