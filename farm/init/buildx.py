"""The builders of docker buildx: one JSON file for each, in the folder `instances` (docker/buildx, store)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from farm.errors import UsageError
from farm.init.candidates import Candidate, Found, Skipped, from_url


def builders(files: Mapping[str, str], contexts: Mapping[str, str]) -> Found:
    """The boards of all builders, from the text of each file by its path; `contexts` is docker's, by name.

    Raises UsageError for a file that is no builder.
    """
    found: list[Candidate | Skipped] = []
    for path, text in files.items():
        try:
            builder = json.loads(text)
            found += [_node(node, contexts, str(builder["Name"])) for node in builder["Nodes"]]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"{path} is not a builder of buildx", fix="see `docker buildx ls`") from error
    return Found.of(found)


def _node(node: Mapping[str, Any], contexts: Mapping[str, str], builder: str) -> Candidate | Skipped:
    name, endpoint = str(node["Name"]), str(node["Endpoint"])
    # An endpoint is an address or the name of a context.
    found = from_url(name, contexts.get(endpoint, endpoint), origin=f"buildx builder {builder}")
    if isinstance(found, Skipped):
        return Skipped(name=f"buildx builder {builder}, node {name}", why=found.why)
    return replace(found, platforms=tuple(_platforms(node.get("Platforms") or ())))


def _platforms(declared: Iterable[Mapping[str, str]]) -> Iterable[str]:
    for each in declared:
        parts = (each["os"], each["architecture"], each.get("variant", ""))
        yield "/".join(part for part in parts if part)
