"""One try at one platform on one node."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from farm import folders
from farm.build import commands, exporters, instance, linked, metadata, progress, resources, run
from farm.build.endpoint import Endpoint, member
from farm.build.failures import Evidence
from farm.build.locate import Buildx
from farm.build.log import Log
from farm.build.proxy_arguments import Handed
from farm.build.steps import Steps
from farm.errors import BuildFailedError
from farm.platforms import Platform
from farm.report.events import Emit
from farm.sources.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a build reads and writes: values that are the same for every node of a run.

    `context`, `dockerfile` and `pins` are the resolved inputs; `repositories` get the image by digest; `collect` is
    the folder for results that go to no registry; `layouts` is the folder where other targets of the run find the
    image, None where nothing needs it there (`linked.keeps_layout`); `config` is the run's `BUILDX_CONFIG`;
    `shared_cache` is the farm's own cache in a registry; `proxy` is what the steps are told of one; `tells_limits` is
    off for a buildx that cannot tell them their limits.
    """

    context: str
    config: Path
    dockerfile: str | None = None
    pins: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    insecure: bool = False
    collect: Path | None = None
    layouts: Path | None = None
    shared_cache: str | None = None
    proxy: Handed = field(default_factory=Handed)
    tells_limits: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """How one try ended. `evidence` is None after success, else what `failures.classify` needs.

    `pushed` is what the node pushed (a small index of the image and its attestations, or the image manifest); `cached`
    and `total` count instructions, `sent` bytes.
    """

    evidence: Evidence | None
    pushed: str | None
    cached: int
    total: int
    sent: int
    seconds: float


async def build(
    buildx: Buildx,
    spec: Spec,
    place: Place,
    *,
    endpoint: Endpoint,
    platform: Platform,
    log: Path,
    emit: Emit,
    activity: run.Activity | None = None,
) -> Try:
    """Build the platform on the node behind the endpoint, once.

    Whatever the build's own fault is comes back as evidence. Raises UsageError for a buildx that cannot be used.
    """
    began = time.monotonic()
    name = commands.builder_name(f"{endpoint.node}-{platform.slug}")
    instance.write(place.config, name, [member(endpoint, [platform])])
    metadata_file = place.config / f"{name}.json"
    metadata_file.unlink(missing_ok=True)
    for left in _folders(place, platform):
        # An earlier try may have left half of its output.
        folders.remove(left)
    argv = commands.build(
        spec,
        builder=name,
        phase="platform",
        platforms=[platform],
        outputs=_outputs(spec, place, platform, endpoint),
        context=place.context,
        dockerfile=place.dockerfile,
        pins=place.pins,
        metadata_file=metadata_file,
        shared=place.shared_cache,
        proxy=place.proxy.arguments,
        resources=resources.merged(spec.resource, endpoint.resources if place.tells_limits else ()),
    )
    buildx = buildx.knowing(place.proxy.environment)
    steps = Steps()
    with Log(log, argv) as written:

        def on_line(line: str) -> None:
            changes = steps.feed(line)
            written.write(line, changes)
            for change in changes or ():
                emit(progress.event(change, steps, node=endpoint.node, platform=platform))

        finished = await run.buildx(buildx, argv, config=place.config, on_line=on_line, activity=activity)
    if finished.is_success and spec.output.type == "oci" and place.layouts is not None and place.collect is not None:
        # What is collected goes when this target is done, which may be before those that need the image.
        kept = linked.layout_folder(place.layouts, platform)
        shutil.copytree(place.collect / platform.slug, kept, copy_function=os.link)
    return Try(
        evidence=None if finished.is_success else evidence(finished, steps),
        pushed=_pushed(metadata_file) if finished.is_success else None,
        cached=steps.cached,
        total=steps.total,
        sent=steps.sent,
        seconds=time.monotonic() - began,
    )


def _folders(place: Place, platform: Platform) -> list[Path]:
    collected = [place.collect / platform.slug] if place.collect is not None else []
    return [*collected, linked.layout_folder(place.layouts, platform)] if place.layouts is not None else collected


def _outputs(spec: Spec, place: Place, platform: Platform, endpoint: Endpoint) -> list[str]:
    """The user's output and, for the run's other targets, the image itself; BuildKit 0.13 is the first with both."""
    if place.layouts is None or spec.output.type == "oci":
        # One session serves one folder for layouts (buildx, build/opt.go).
        return [_output(spec, place, platform, endpoint)]
    pushed = (*endpoint.output_attributes, *spec.output.attributes) if spec.output.type == "registry" else ()
    kept = exporters.oci(replace(spec.output, attributes=pushed), linked.layout_folder(place.layouts, platform))
    # Of what the two answer, the last one's counts (BuildKit, solver/llbsolver/export.go), and that is what was pushed.
    return [kept] if spec.output.type == "cacheonly" else [kept, _output(spec, place, platform, endpoint)]


def _output(spec: Spec, place: Place, platform: Platform, endpoint: Endpoint) -> str:
    match spec.output.type:
        case "registry":
            return exporters.by_digest(
                spec.output, place.repositories, insecure=place.insecure, engine=endpoint.output_attributes
            )
        case "cacheonly":
            return exporters.nothing()
    assert place.collect is not None
    if spec.output.type == "oci":
        return exporters.oci(spec.output, place.collect / platform.slug)
    return exporters.local(spec.output, place.collect / platform.slug)


def _pushed(metadata_file: Path) -> str | None:
    try:
        return metadata.pushed(metadata_file.read_text())
    except (OSError, ValueError) as error:
        raise BuildFailedError(
            f"buildx ended well but wrote no metadata that can be read: {error}", fix="try again, or update buildx"
        ) from error


def evidence(finished: run.Finished, steps: Steps) -> Evidence:
    """What a buildx that failed leaves behind, for `failures.classify`."""
    failed = steps.failed
    return Evidence(
        exit_status=finished.exit_status,
        signal=finished.signal,
        step=failed.name if failed else None,
        step_error=failed.error if failed else "",
        step_exit_code=failed.exit_code if failed else None,
        step_lines=failed.last_words if failed else (),
        tail=tuple(steps.tail),
    )
