"""Where an image is pushed to, and how its registry is reached. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from farm.build import shared_cache
from farm.build.join import UNVERIFIED
from farm.errors import UsageError
from farm.inventory import Inventory
from farm.registry import reference
from farm.registry.reference import Reference
from farm.sources.spec import Spec
from farm.workflow import permitted


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """The tags, empty where nothing is pushed.

    `insecure` says that their registry speaks plain HTTP, as all `plain_http` ones do; `shared_cache` is the value of
    `--cache-to` for the cache that the inventory asks for, None where there is none.
    """

    references: tuple[Reference, ...]
    insecure: bool
    plain_http: tuple[str, ...]
    shared_cache: str | None

    @property
    def repositories(self) -> tuple[str, ...]:
        """Every repository once: each gets all blobs."""
        return tuple(dict.fromkeys(found.repository for found in self.references))

    @property
    def repository(self) -> Reference | None:
        """The one that is asked what was pushed."""
        return self.references[0] if self.references else None


def destination(spec: Spec, inventory: Inventory, *, cache: str | bool | None = None) -> Destination:
    """Read the tags; `cache` takes the place of the inventory's, None for that.

    Raises UsageError where they cannot be pushed together, or one must not be pushed at all.
    """
    plain_http = tuple(domain for domain, registry in inventory.registries.items() if registry.http)
    references = tuple(reference.parse(tag) for tag in spec.tags) if spec.output.type == "registry" else ()
    permitted.pushes(references, spec.cache_to, inventory.registries)
    for found in references:
        if found.tag == UNVERIFIED:
            raise UsageError(
                f"{found}: farm itself sets this tag, before it has checked the image", fix="choose another tag"
            )
    kinds = {found.domain in plain_http for found in references}
    if len(kinds) > 1:
        # buildx has one switch for a whole push, which would drop the TLS of the other registry too.
        raise UsageError(
            "one push cannot go to a registry with plain HTTP and to one with TLS",
            fix="run farm once for each: the second time everything is cached",
        )
    return Destination(
        references=references,
        insecure=True in kinds,
        plain_http=plain_http,
        shared_cache=_shared_cache(spec, references, inventory.cache if cache is None else cache, plain_http),
    )


def _shared_cache(
    spec: Spec, references: tuple[Reference, ...], cache: str | bool | None, plain_http: tuple[str, ...]
) -> str | None:
    """The cache that the inventory asks for; none for what is not pushed, or where the user names caches."""
    if not cache or not references or spec.cache_from or spec.cache_to:
        return None
    repository = cache if isinstance(cache, str) else None
    place = shared_cache.place(repository, references[0], target=spec.target)
    return shared_cache.value(place, http=place.domain in plain_http)
