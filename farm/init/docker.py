"""The contexts of the docker command: one meta.json for each (docker/cli, cli/context/store)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from farm.errors import UsageError
from farm.init.candidates import Candidate, Found, Skipped, from_url


def contexts(files: Mapping[str, str]) -> Found:
    """The boards of all contexts, from the text of each meta.json by its path. Raises UsageError for another file."""
    return Found.of(_context(name, host) for name, host in sorted(hosts(files).items()))


def _context(name: str, host: str) -> Candidate | Skipped:
    origin = f"docker context {name}"
    found = from_url(name, host, origin=origin)
    return found if isinstance(found, Candidate) else Skipped(name=origin, why=found.why)


def hosts(files: Mapping[str, str]) -> dict[str, str]:
    """The address behind each context."""
    return dict(_hosts(files.items()))


def _hosts(files: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    for path, text in files:
        try:
            document = json.loads(text)
            yield str(document["Name"]), str(document["Endpoints"]["docker"].get("Host", ""))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"{path} is not a docker context", fix="see `docker context ls`") from error
