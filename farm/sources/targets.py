"""What one run builds: one target, or many that may use each other as contexts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from farm.errors import FarmError
from farm.sources.origin import Origin
from farm.sources.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One image of a run.

    `name` tells it from the run's other targets and is the same from night to night: an image of the inventory (with
    `@ref` behind it where it has several refs), a target of a bake file, "" for the one target of plain `farm build`.
    `needs` are the names of targets that its spec uses as contexts (`NAME=target:OTHER` among `build_contexts`); each
    of its platforms is built after the same platform of those. Of two that could be built, that with the higher
    `priority` comes first. `timeout` is in seconds, None for the run's; `memory` is what a build of it takes at most,
    in bytes, None where that is not said. `cache` takes the place of the inventory's, None for that. `origin` is what
    an image of the inventory comes from: once its context is here, `farm.sources.described` completes the spec by it.
    `dated` are those of its tags that bear the day's date: another day alone is no reason to move them.
    """

    name: str
    spec: Spec
    needs: tuple[str, ...] = ()
    priority: int = 0
    timeout: float | None = None
    memory: int | None = None
    cache: str | bool | None = None
    origin: Origin | None = None
    dated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The targets that can be built, and for each name that cannot be, why; no other target suffers from that."""

    targets: tuple[Target, ...] = ()
    refused: Mapping[str, FarmError] = field(default_factory=dict)


def image_name(target: str) -> str:
    """The name in the inventory of the image that a target is of: `app` of `app@v1.2.3`."""
    return target.partition("@")[0]


def with_needs(names: Iterable[str], needs: Callable[[str], Iterable[str]]) -> set[str]:
    """The names and all that they need, be it through others."""
    waiting = list(names)
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += needs(name)
    return found
