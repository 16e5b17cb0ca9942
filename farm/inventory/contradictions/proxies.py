"""A proxy that is to be read from a variable which does not hold one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.inventory import network_rules
from farm.inventory.contradictions.places import everywhere
from farm.inventory.document import Document
from farm.inventory.explain import subject
from farm.inventory.mistakes import Mistake


def find(data: Mapping[str, Any], document: Document, environment: Mapping[str, str]) -> Iterator[Mistake]:
    """Every proxy whose variable is empty or holds something else. No value is shown: it may hold a password."""
    for location, entry in everywhere(data, "proxy"):
        for key in ("http", "https"):
            said = entry.get(key)
            name = network_rules.variable(said) if isinstance(said, str) else None
            if name is None:
                continue
            place = (*location, key)
            if not environment.get(name):
                message = f"{subject(place)} names the variable {name}, which is not set"
                yield document.mistake(place, message, hint=f"export {name}, or write the URL here")
            elif not network_rules.is_proxy_url(environment[name]):
                message = f"{subject(place)} names the variable {name}, which holds no URL of a proxy"
                hint = network_rules.PROXY.hint(environment[name])
                yield document.mistake(place, message, expected="a URL such as http://proxy.lan:3128", hint=hint)
        if "no_proxy" in entry and not {"http", "https"} & entry.keys():
            yield document.mistake(
                (*location, "no_proxy"),
                f"{subject((*location, 'no_proxy'))} has no meaning without a proxy",
                hint="add `http:` or `https:`, or remove it",
                at_key=True,
            )
