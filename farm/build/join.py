"""Joins what the nodes built into one multi-platform image, under a tag that nobody uses.

buildx cannot push an index of several nodes without a tag, and what it pushes has not been checked yet: the user's tags
are moved later, to the digest that is right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from farm.build import annotation, cache, commands, exporters, instance, linked, metadata, run
from farm.build.endpoint import Endpoint, Member, member, output_attributes
from farm.build.failures import Diagnosis, Evidence, classify
from farm.build.locate import Buildx
from farm.build.log import Log
from farm.build.platform_build import Place, evidence
from farm.build.steps import Steps
from farm.platforms import Platform
from farm.registry.client import Manifest
from farm.sources.spec import Spec

UNVERIFIED = "farm-unverified"
"""The tag of a join in each repository: the next join moves it, and nobody reads it, for the index has a digest.

A registry that lets no tag move refuses the next one: then the index is made by `index_over`, which needs no tag."""

_BUILDER = "farm-join"


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The index is in every repository. `reran` names the RUN steps that were not found in the cache."""

    index_digest: str
    reran: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotJoined:
    """Nothing is claimed: some repositories may have the index, others not."""

    diagnosis: Diagnosis


def obstacle(spec: Spec) -> str | None:
    """Why the nodes must not build this once more together, in words; the digests are then joined instead."""
    if cache.has_inline(spec.cache_to) or "BUILDKIT_INLINE_CACHE=1" in spec.build_args:
        # It becomes a part of each image and, with several platforms on one node, of another digest than before.
        return "an inline cache makes other images of several platforms than of each alone"
    if linked.links(spec):
        return "a target that it uses has another image on each platform"
    if _rewrites(spec):
        # BuildKit caches no rewritten layer: every node would write all of them once more, for the same digests.
        return "its layers are written anew for each image, with the commit's time"
    return None


def is_by_digest(spec: Spec) -> bool:
    """Whether its digests are joined as a matter of course, of which nobody need be warned."""
    return bool(linked.links(spec)) or _rewrites(spec)


def _rewrites(spec: Spec) -> bool:
    return ("rewrite-timestamp", "true") in spec.output.attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """The builder of all winners: its name, and what its one output must say for the engines among them."""

    name: str
    output_attributes: tuple[tuple[str, str], ...] = ()


async def make_builder(
    buildx: Buildx, *, config: Path, winners: Sequence[tuple[Endpoint, Sequence[Platform]]], log: Path
) -> Builder | NotJoined:
    """Make the builder of all winners with `buildx create` and `--append`.

    One that could not be made whole is thrown away: a failed append leaves the other nodes without their platforms
    (buildx, store/nodegroup.go).
    """
    (config / "instances" / _BUILDER).unlink(missing_ok=True)
    for argv in commands.create(_BUILDER, [member(endpoint, platforms) for endpoint, platforms in winners]):
        steps = Steps()
        finished = await _run(buildx, argv, config, log, steps)
        if not finished.is_success:
            (config / "instances" / _BUILDER).unlink(missing_ok=True)
            return NotJoined(diagnosis=classify(evidence(finished, steps)))
    return Builder(name=_BUILDER, output_attributes=output_attributes(endpoint for endpoint, _ in winners))


async def join(
    buildx: Buildx,
    spec: Spec,
    place: Place,
    *,
    builder: Builder,
    platforms: Sequence[Platform],
    log: Path,
    activity: run.Activity | None = None,
) -> Joined | NotJoined:
    """Build every platform on the joined builder, which finds all in its nodes' caches, and push the index."""
    metadata_file = place.config / f"{builder.name}.json"
    metadata_file.unlink(missing_ok=True)
    argv = commands.build(
        spec,
        builder=builder.name,
        phase="join",
        platforms=platforms,
        outputs=[exporters.tagged(spec.output, insecure=place.insecure, engine=builder.output_attributes)],
        tags=[_unverified(repository) for repository in place.repositories],
        context=place.context,
        dockerfile=place.dockerfile,
        pins=place.pins,
        metadata_file=metadata_file,
        shared=place.shared_cache,
        proxy=place.proxy.arguments,
    )
    steps = Steps()
    finished = await _run(buildx.knowing(place.proxy.environment), argv, place.config, log, steps, activity)
    if not finished.is_success:
        return NotJoined(diagnosis=classify(evidence(finished, steps)))
    try:
        pushed = metadata.pushed(metadata_file.read_text())
    except (OSError, ValueError):
        pushed = None
    if pushed is None:
        return NotJoined(diagnosis=classify(Evidence(exit_status=0, tail=("ERROR: buildx wrote no index digest",))))
    return Joined(index_digest=pushed, reran=steps.reran)


async def index_over(
    buildx: Buildx,
    spec: Spec,
    *,
    config: Path,
    repository: str,
    digests: Sequence[str],
    plain_http: Sequence[str],
    log: Path,
    activity: run.Activity | None = None,
) -> Manifest | NotJoined:
    """The index over what the nodes pushed to a repository by digest, made without any node, and pushed nowhere.

    For when a winner is gone before the join, or the registry takes no tag beside the user's. `plain_http` names the
    registries that this machine reaches without TLS.
    """
    nobody = Member(node="nobody", socket=config / "nobody.sock", platforms=())
    instance.write(config, f"{_BUILDER}-digests", [nobody], plain_http=plain_http)
    argv = commands.imagetools_create(
        f"{_BUILDER}-digests",
        sources=[f"{repository}@{digest}" for digest in digests],
        annotations=annotation.of_index(spec.annotations),
    )
    steps, lines = Steps(), list[str]()
    finished = await _run(buildx, argv, config, log, steps, activity, lines.append)
    found = metadata.printed(lines) if finished.is_success else None
    return found or NotJoined(diagnosis=classify(evidence(finished, steps)))


def _unverified(repository: str) -> str:
    return f"{repository}:{UNVERIFIED}"


async def _run(
    buildx: Buildx,
    argv: commands.Argv,
    config: Path,
    log: Path,
    steps: Steps,
    activity: run.Activity | None = None,
    keep: Callable[[str], None] | None = None,
) -> run.Finished:
    def on_line(line: str) -> None:
        written.write(line, steps.feed(line))
        if keep:
            keep(line)

    with Log(log, argv) as written:
        return await run.buildx(buildx, argv, config=config, on_line=on_line, activity=activity)
