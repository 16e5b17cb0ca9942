"""What is wrong between values that are right alone.

It looks at the data as written, before anything is checked, so that these mistakes are reported together with all
others; whatever has the wrong type is left to the other checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

from farm.inventory.contradictions import images, links, nights, nodes, patience, power, proxies, registries
from farm.inventory.document import Document
from farm.inventory.mistakes import Mistake


def find(
    data: Mapping[str, Any], document: Document, environment: Mapping[str, str], is_zone: Callable[[str], bool]
) -> Iterator[Mistake]:
    """Every contradiction in an inventory's data, or between it and the variables and time zones that it names."""
    return chain(
        nodes.find(data, document),
        registries.find(data, document),
        proxies.find(data, document, environment),
        power.find(data, document),
        patience.find(data, document),
        images.find(data, document),
        links.find(data, document),
        nights.find(data, document, is_zone),
    )
