"""What the inventory lets builds do with a registry: `push: false` and `pull: false`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from farm.build import cache
from farm.errors import UsageError
from farm.inventory import Registry
from farm.registry.reference import Reference
from farm.sources.dockerfile import BaseImage


def pushes(references: Iterable[Reference], cache_to: Sequence[str], registries: Mapping[str, Registry]) -> None:
    """Raises UsageError for a tag or a cache in a registry that nothing may be pushed to."""
    for reference in (*references, *cache.references(cache_to)):
        if not registries.get(reference.domain, Registry()).push:
            raise UsageError(
                f"{reference}: nothing may be pushed to {reference.domain}",
                fix=f"choose another registry, or remove `push: false` of {reference.domain} from the inventory",
            )


def pulls(images: Iterable[BaseImage], registries: Mapping[str, Registry], place: str) -> None:
    """Raises UsageError, with `place:line`, for a base image in a registry that nothing may be pulled from."""
    for image in images:
        domain = image.reference.domain
        if not registries.get(domain, Registry()).pull:
            raise UsageError(
                f"{place}:{image.line}: {image.reference}: nothing may be pulled from {domain}",
                fix=f"name another image, or remove `pull: false` of {domain} from the inventory",
            )
