"""A target that uses another target of the same run as a context: what buildx is told where the other's image is.

Bake writes `contexts = { base = "target:app-base" }`, which is `base=target:app-base` among a spec's `build_contexts`.
One buildx process builds each platform of each target here, so that the other target's image is handed on by its
digest, platform by platform: from the registry that it was pushed to, or as an OCI layout in a folder, which buildx
serves to the node over the build's own session. How a run does that:

1. `links(spec)` says which targets a target needs, and `platform_for` which of their platforms.
2. `keeps_layout(output, insecure=...)` says of a target that others need whether its builds must leave an OCI layout
   behind: its `Place` then has `layouts`, a folder in the run's spool, and each platform's build leaves its image in
   `layout_folder(place.layouts, platform)`.
3. Once such a platform is built, `in_registry(repository, built.digest)` or
   `await in_layout(layout_folder(place.layouts, platform), platform, pushed=built.digest)` is where its image is.
4. The dependent is built with `resolved(spec, places)`, a spec of its own for each platform. `join.obstacle` says of it
   that its index is made of digests: together the nodes could not build it again, for they have one context per name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from farm.build import archive, layout
from farm.errors import BuildFailedError, FarmError
from farm.platforms import Platform
from farm.registry.reference import Reference
from farm.sources.spec import Output, Spec

_TARGET = "target:"


def links(spec: Spec) -> Mapping[str, str]:
    """The other targets that this one uses: the name of each such context, and the target's name."""
    pairs = (value.partition("=") for value in spec.build_contexts)
    return {name: place.removeprefix(_TARGET) for name, _, place in pairs if place.startswith(_TARGET)}


def resolved(spec: Spec, places: Mapping[str, str]) -> Spec:
    """The spec with the image of each target in the target's place; `places` are those, by the targets' names."""
    named = links(spec)
    contexts = (
        f"{name}={places[named[name]]}" if name in named else value
        for value in spec.build_contexts
        for name in (value.partition("=")[0],)
    )
    return replace(spec, build_contexts=tuple(contexts))


def platform_for(platform: Platform, built: Sequence[Platform]) -> Platform | None:
    """Which of a target's platforms one that needs it for `platform` gets: the same one.

    A target with one platform only serves them all, as in bake: what it makes is meant to be copied from, such as a
    web page. None where the target is not built for the platform.
    """
    if platform in built:
        return platform
    return built[0] if len(built) == 1 else None


def keeps_layout(output: Output, *, insecure: bool) -> bool:
    """Whether the image of a target must be kept on this machine for those that need it.

    Not where nodes can pull it. A node pushes to a registry with plain HTTP because each push says so; nothing says it
    to a pull but the node's own settings, which nobody promises (BuildKit, docs/buildkitd.toml.md, `http`).
    """
    return output.type != "registry" or insecure


def layout_folder(layouts: Path, platform: Platform) -> Path:
    """Where the build of a platform leaves its OCI layout."""
    return layouts / platform.slug


def in_registry(repository: Reference, digest: str) -> str:
    """The place of an image that was pushed; `digest` is the image manifest's."""
    return f"docker-image://{replace(repository, tag=None, digest=digest)}"


async def in_layout(folder: Path, platform: Platform, *, pushed: str | None = None) -> str:
    """The place of an image that was left as an OCI layout; `pushed` is its digest where it was pushed, too.

    Raises BuildFailedError where it is not whole.
    """
    try:
        digest = await asyncio.to_thread(_image, folder, platform, pushed)
    except (FarmError, OSError, ValueError, KeyError, TypeError) as error:
        raise BuildFailedError(
            f"{platform}: the image that others need is not whole: {error}", fix="try again"
        ) from error
    return f"oci-layout://{folder}@{digest}"


def _image(folder: Path, platform: Platform, pushed: str | None) -> str:
    """The digest of the layout's image, after a look at the size of each of its blobs."""

    def read(digest: str) -> bytes:
        return archive.blob(folder, digest).read_bytes()

    if pushed:
        # The layout's own index then speaks of what was pushed, which may be an index that the layout has not.
        manifest = archive.blob(folder, pushed)
        image: layout.Descriptor = {"digest": pushed, "size": manifest.stat().st_size}
    else:
        image, *_ = layout.images((folder / "index.json").read_bytes(), read, platform)
    for digest, size in layout.blobs([image], read).items():
        if archive.blob(folder, digest).stat().st_size != size:
            raise ValueError(f"{digest} has not {size} bytes")
    return str(image["digest"])
