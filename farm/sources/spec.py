"""What to build, as the user said it: flags (or later an inventory's image) turned into one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from farm.platforms import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where the result goes. `attributes` are buildx's own (`compression`, `oci-mediatypes`, ...)."""

    type: Literal["registry", "oci", "local", "cacheonly"]
    dest: str | None = None
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One image to build. The fields follow the options of `docker buildx build`; `output` is already decided.

    `dockerfile_inline` is the text of a Dockerfile that takes the place of a file.
    """

    context: str
    tags: tuple[str, ...] = ()
    dockerfile: str | None = None
    dockerfile_inline: str | None = None
    platforms: tuple[Platform, ...] = ()
    target: str | None = None
    build_args: tuple[str, ...] = ()
    build_contexts: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    no_cache: bool = False
    no_cache_filter: tuple[str, ...] = ()
    pull: bool = False
    provenance: str | None = None
    sbom: str | None = None
    attest: tuple[str, ...] = ()
    resource: tuple[str, ...] = ()
    network: str | None = None
    shm_size: str | None = None
    ulimits: tuple[str, ...] = ()
    add_hosts: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    policy: tuple[str, ...] = ()
    output: Output = field(default_factory=lambda: Output(type="cacheonly"))
