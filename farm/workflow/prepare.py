"""The context made ready for the farm: a folder that every node gets alike, with its base images fixed to digests."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from farm.errors import FarmError, UnreachableError
from farm.inventory import Registry
from farm.platforms import Platform
from farm.registry import mirrors
from farm.registry.client import Client
from farm.registry.reference import Reference
from farm.report import words
from farm.report.events import Emit, Warned
from farm.retry import back_off, retrying
from farm.sources import content, context, dockerfile, fingerprint, git
from farm.sources import inputs as made_of
from farm.sources import pins as pinning
from farm.sources.context import Context
from farm.sources.fingerprint import Fingerprint
from farm.sources.git import Checkout
from farm.sources.git_errors import by_address
from farm.sources.giturl import GitUrl
from farm.sources.ignore import Ignore
from farm.sources.inputs import Inputs
from farm.sources.spec import Spec
from farm.workflow import permitted
from farm.workflow.together import together

# Sent to every node over a home network: more than this is most often a forgotten .dockerignore.
LARGE_CONTEXT = 500_000_000
_SHOWN_CHANGES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A folder that can be built; `before` is what it held.

    `commit` and the time when it was made (`committed`, seconds since 1970) are None for a folder that the user named.
    """

    context: Context
    before: Fingerprint
    commit: str | None
    committed: int | None = None


CheckOut = Callable[[GitUrl, Path], Awaitable[Checkout]]
"""Leaves the files of a commit in a folder; see `git.checkout`."""


async def fetch(spec: Spec, directory: Path, emit: Emit, *, check_out: CheckOut = git.checkout) -> Source:
    """Find the context, or check a git one out into `directory`, and look at every file that would be sent.

    Raises UsageError for a context or Dockerfile that is not there, and git's own failures as farm's errors.
    """
    place = context.classify(spec.context)
    try:
        return await _fetched(place, spec, directory, emit, check_out)
    except FarmError as error:
        if not isinstance(place, Path):
            by_address(error, directory, place)
        raise


async def _fetched(place: Path | GitUrl, spec: Spec, directory: Path, emit: Emit, check_out: CheckOut) -> Source:
    commit, committed, inline = None, None, None
    if spec.dockerfile_inline:
        # Beside the checkout: that is the repository's, and must stay as it is.
        inline = context.written(
            spec.dockerfile_inline, directory.with_name(_inline(directory, spec.dockerfile_inline))
        )
    # What a stranger has written is read in threads, so that Ctrl-C is heard however long that takes.
    if isinstance(place, Path):
        found = await asyncio.to_thread(context.read, place, spec.dockerfile, start=Path.cwd(), inline=inline)
    else:
        checkout = await check_out(place, directory)
        commit, committed, inside = checkout.commit, checkout.committed, checkout.directory
        found = await asyncio.to_thread(
            context.read, inside, spec.dockerfile, start=inside, checkout=checkout.root, inline=inline
        )
    before = await fingerprint.take(found.directory, found.ignore, also=_recipe(found))
    if before.size > LARGE_CONTEXT:
        emit(
            Warned(
                message=f"the context is {words.size(before.size)} in {before.count} files, sent to every node; "
                "is something missing in .dockerignore?"
            )
        )
    return Source(context=found, before=before, commit=commit, committed=committed)


def _inline(directory: Path, text: str) -> str:
    """A name for the folder of a Dockerfile that is in no file; several may go with one checkout."""
    return f"{directory.name}-inline-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


async def registries_answer(references: Sequence[Reference], client: Client) -> None:
    """Make sure that every registry of the tags is there: the index is written from here, after an hour of building.

    Raises UnreachableError or RefusedError that names the registry.
    """
    domains = dict.fromkeys(reference.domain for reference in references)
    await together(retrying(partial(client.ping, domain), pause_after=if_unreachable) for domain in domains)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """The base images as values of `--build-context` that fix them, and what cannot be fixed.

    `unpinned` are names that cannot be told or pinned, each with the reason; `unknown` those whose registry did not say
    what they are, and `elsewhere` those that are not taken for the target's platform alone.
    """

    pins: tuple[str, ...]
    unpinned: Mapping[str, str]
    unknown: tuple[str, ...]
    elsewhere: tuple[str, ...]


async def pinned(
    spec: Spec,
    source: Source,
    platforms: Sequence[Platform],
    client: Client,
    registries: Mapping[str, Registry],
    emit: Emit,
) -> Pinned:
    """Fix every base image to the digest that its tag has now.

    Mirrors are asked first, as the nodes will. Raises UsageError with file and line for an image that is not in its
    registry, or in one that nothing may be pulled from.
    """
    place = source.context.dockerfile.name
    found = await asyncio.to_thread(
        dockerfile.images,
        source.context.text,
        platforms=platforms,
        build_args=dockerfile.arguments(spec.build_args, os.environ),
        target=spec.target,
        contexts=[value.partition("=")[0] for value in spec.build_contexts],
        place=place,
    )
    permitted.pulls(found.pulled, registries, place)
    for item in found.unpinned:
        emit(Warned(message=f"{place}:{item.line}: {item.name} is not pinned: {item.reason}"))

    async def digest(reference: Reference) -> str | None:
        return await retrying(lambda: mirrors.digest(client, reference, registries), pause_after=if_unreachable)

    resolved = await pinning.resolve(found.found, digest, place)
    for warning in resolved.warnings:
        emit(Warned(message=warning))
    return Pinned(
        pins=tuple(pinning.build_context(pin) for pin in resolved.pins),
        unpinned={item.name: item.reason for item in found.unpinned},
        unknown=resolved.unknown,
        elsewhere=tuple(image.context_name for image in found.found if image.is_elsewhere),
    )


async def inputs(
    spec: Spec, source: Source, platforms: Sequence[Platform], pinned: Pinned, *, by_content: bool
) -> dict[Platform, Inputs]:
    """What each platform is built from, part by part; files count `by_content`, or by their times and sizes."""

    folders = await named_folders(spec, by_content=by_content)
    files = None if source.commit else await _hashed(source.context.directory, source.before, by_content=by_content)
    return {
        platform: made_of.of(
            spec,
            context=source.context,
            files=files,
            commit=source.commit,
            contexts=folders,
            build_args=dockerfile.arguments(spec.build_args, os.environ),
            pins=pinned.pins,
            unpinned=pinned.unpinned,
            unknown=pinned.unknown,
            elsewhere=pinned.elsewhere,
            platform=platform,
        )
        for platform in platforms
    }


async def named_folders(spec: Spec, *, by_content: bool) -> dict[str, str]:
    """A hash over the files of each of the user's named contexts that is a folder here."""
    return {
        name: await _hashed(folder, await fingerprint.take(folder, Ignore()), by_content=by_content)
        for name, folder in await asyncio.to_thread(_folders, spec)
    }


async def _hashed(root: Path, files: Fingerprint, *, by_content: bool) -> str:
    return await content.digest(root, files) if by_content else made_of.of_files(files)


def _folders(spec: Spec) -> list[tuple[str, Path]]:
    pairs = [value.partition("=")[::2] for value in spec.build_contexts]
    return [(name, Path(place)) for name, place in pairs if Path(place).is_dir()]


async def changed(source: Source) -> str | None:
    """What has changed in the folder since it was looked at, in words; None for nothing."""
    if source.commit is not None:
        return None
    try:
        now = await fingerprint.take(source.context.directory, source.context.ignore, also=_recipe(source.context))
    except FarmError as error:
        return error.what
    paths = fingerprint.changes(source.before, now)
    if not paths:
        return None
    more = f" and {len(paths) - _SHOWN_CHANGES} more" if len(paths) > _SHOWN_CHANGES else ""
    return ", ".join(paths[:_SHOWN_CHANGES]) + more


def _recipe(found: Context) -> tuple[Path, ...]:
    """What decides how the folder is built, wherever it lies."""
    return tuple(path for path in (found.dockerfile, found.ignore_file) if path is not None)


def if_unreachable(error: Exception, tries: int) -> float | None:
    """The pause before another try at a registry: three tries for what may pass, none for a refusal."""
    if tries >= 3 or not isinstance(error, UnreachableError):
        return None
    wished = getattr(error, "retry_after", None)
    return min(wished, 60.0) if wished is not None else back_off(tries)
