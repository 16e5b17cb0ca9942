"""What the words of `farm build` and `farm plan` mean: one context, or images of the inventory by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from farm.cli.request import Ask, of_targets, output, platforms, request, tags
from farm.errors import FarmError, UsageError
from farm.inventory import Image, Inventory
from farm.sources.spec import Output, Spec
from farm.sources.targets import Selection, Target, image_name
from farm.workflow.request import Request

# Options that take the place of what the inventory says of an image, and those that are added to it.
_REPLACED = ("dockerfile", "target", "provenance", "sbom", "network", "shm_size", "no_cache", "pull")
_ADDED = (
    "build_args",
    "build_contexts",
    "secrets",
    "ssh",
    "labels",
    "annotations",
    "cache_from",
    "cache_to",
    "attest",
    "resource",
    "ulimits",
    "add_hosts",
    "allow",
)


def of_words(words: Sequence[str], flags: Mapping[str, Any], *, is_all: bool = False) -> Ask:
    """Ask for what the words mean; for all images of the inventory where that is said."""

    async def ask(inventory: Inventory) -> Request:
        if not is_all and not are_names(words, inventory.images):
            return request(words[0] if words else ".", flags)
        if is_all and words:
            raise UsageError("--all builds every image of the inventory", fix="leave the names out, or --all")
        if not inventory.images:
            raise UsageError("--all: the inventory has no images", fix="add `images:` to it")
        return await _of_images(words, flags, inventory)

    return ask


def are_names(words: Sequence[str], images: Mapping[str, Image]) -> bool:
    """Whether the words are names of images, rather than a single folder or git URL.

    A name wins over a folder that is called so: `./app` is always the folder. Raises UsageError for words that are
    neither, and where both are mixed.
    """
    named = [word for word in words if _is_name(word, images)]
    if len(named) == len(words):
        return bool(words)
    other = next(word for word in words if word not in named)
    if len(words) == 1:
        if images and not _is_place(other):
            raise UsageError(
                f"{other!r} is no image of the inventory, no folder and no git URL", fix=_near(other, images)
            )
        return False
    if _is_place(other):
        raise UsageError(
            f"{other} is a context, and a context is built alone",
            fix="build it in a run of its own, or give it a name in `images:`",
        )
    raise UsageError(f"there is no image {other!r} in the inventory", fix=_near(other, images))


def _is_name(word: str, images: Mapping[str, Image]) -> bool:
    return word in images or (image_name(word) in images and not _is_there(word))


def _is_place(word: str) -> bool:
    return "/" in word or word.startswith((".", "~")) or _is_there(word)


def _is_there(word: str) -> bool:
    from farm.sources import giturl

    return giturl.parse(word) is not None or Path(word).is_dir()


def _near(word: str, images: Mapping[str, Image]) -> str:
    import difflib

    near = difflib.get_close_matches(word, images, n=1)
    return f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(images) or 'none; add `images:` to it'}"


async def _of_images(words: Sequence[str], flags: Mapping[str, Any], inventory: Inventory) -> Request:
    from datetime import UTC, datetime

    from farm.cli import secret_sources
    from farm.inventory.proxies import environment
    from farm.sources import conflicts, resolve

    found = await resolve.targets(
        inventory.images, words, now=datetime.now(UTC), variables=environment(inventory.proxy)
    )
    if len(found.targets) + len(found.refused) > 1:
        _refuse_single(flags, [*(target.name for target in found.targets), *found.refused])
    refused: dict[str, FarmError] = {}
    targets = []
    for target in found.targets:
        spec = spec_of(target, words, flags)
        try:
            secret_sources.check(spec.secrets)
        except UsageError as error:
            refused[target.name] = UsageError(f"images: {target.name}: {error.what}", fix=error.fix)
        else:
            targets.append(replace(target, spec=spec))
    kept = conflicts.checked(Selection(targets=tuple(targets), refused={**found.refused, **refused}))
    if not kept.targets and len(kept.refused) == 1:
        raise next(iter(kept.refused.values()))
    return replace(of_targets(kept.targets, flags), refused=kept.refused)


def _refuse_single(flags: Mapping[str, Any], names: Sequence[str]) -> None:
    """Raises UsageError for options that name one thing where several images are built."""
    for name, flag in (("tags", "--tag"), ("outputs", "--output"), ("iidfile", "--iidfile")):
        if flags.get(name):
            raise UsageError(
                f"{flag} is for one image, and {len(names)} are built: {', '.join(names[:5])}"
                + (", ..." if len(names) > 5 else ""),
                fix="leave it out, or build one after the other",
            )


def spec_of(target: Target, words: Sequence[str], flags: Mapping[str, Any]) -> Spec:
    """The spec of a target with what options say of the images that are named (all where there is no word).

    One that only those need is as the inventory says: its tags are not to lose the platforms of which nobody spoke. But
    with --no-push it is not pushed either. Raises UsageError for options that cannot be used.
    """
    if not words or target.name in words or image_name(target.name) in words:
        return overlaid(target.spec, flags)
    return replace(target.spec, output=Output(type="cacheonly")) if flags["push"] is False else target.spec


def overlaid(spec: Spec, flags: Mapping[str, Any]) -> Spec:
    """The spec of an image with what options say besides. Raises UsageError for options that cannot be used."""
    named = tags(flags) or spec.tags
    said: dict[str, Any] = {name: flags[name] for name in _REPLACED if flags[name]}
    said |= {name: (*getattr(spec, name), *flags[name]) for name in _ADDED if flags[name]}
    if flags["platforms"]:
        said["platforms"] = platforms("--platform", flags["platforms"])
    if flags["outputs"] or flags["push"] is not None or flags["tags"]:
        said["output"] = output(flags, named)
    return replace(spec, tags=named, **said)
