"""Every image as it is now, compared with what was last built: one question to git for each repository, one to a
registry for each base image, and no file fetched of what has not moved."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from farm.build import linked
from farm.errors import FarmError
from farm.history.newest import Newest
from farm.inventory import Inventory
from farm.nightly.bases import Bases
from farm.nightly.due import Decision, Sight, decide
from farm.platforms import Platform
from farm.sources import content, context, described, dockerfile, fingerprint
from farm.sources import inputs as made_of
from farm.sources.inputs import BASE, UNFOLLOWED
from farm.sources.targets import Target, image_name
from farm.workflow import prepare

# Files to read at the same time: more would only make an SD card seek.
_FOLDERS_AT_ONCE = 4


async def look(
    targets: Sequence[Target],
    pasts: Mapping[str, Newest],
    wishes: Mapping[str, Sequence[str]],
    *,
    inventory: Inventory,
    bases: Bases,
    now: datetime,
) -> tuple[Decision, ...]:
    """Decide for each target; one that cannot be looked at carries its own error.

    `pasts` are by the target's name; `wishes` are reasons for which one is built whatever has moved.
    """
    busy = asyncio.Semaphore(_FOLDERS_AT_ONCE)

    async def one(target: Target) -> Decision:
        past = pasts.get(target.name)
        try:
            sight = await _sight(target, past, inventory, bases, busy)
        except FarmError as error:
            return Decision(target=target.name, error=error)
        return decide(
            target.name,
            sight,
            past,
            now=now,
            max_age=_max_age(target, inventory),
            wanted=wishes.get(target.name, ()),
        )

    return _with_needs(targets, await asyncio.gather(*(one(target) for target in targets)))


async def _sight(
    target: Target, past: Newest | None, inventory: Inventory, bases: Bases, busy: asyncio.Semaphore
) -> Sight:
    spec = target.spec
    place = context.classify(spec.context)
    platforms = spec.platforms or _usual_platforms(inventory, past)
    arguments = dockerfile.arguments(spec.build_args, os.environ)
    commit = None if isinstance(place, Path) else place.ref
    recipes = {
        platform: made_of.of_recipe(spec, commit=commit, build_args=arguments, platform=platform)
        for platform in platforms
    }
    kept = past.kept if past else {}
    untold: set[str] = set()
    if isinstance(place, Path):
        async with busy:
            files = await _files(place, target)
        recipes = {platform: recipe | files for platform, recipe in recipes.items()}
    else:
        untold |= {"dockerfile", "ignore"}
    own = {name for recipe in recipes.values() for name in recipe}
    untold |= {name for each in kept.values() for name in each.inputs if name not in own and _comes_by_itself(name)}
    looked = await bases.look(_bases(past))
    told = sorted(
        {
            f"{name.removeprefix(UNFOLLOWED)} cannot be followed: {reason}"
            for each in kept.values()
            for name, reason in each.inputs.items()
            if name.startswith(UNFOLLOWED)
        }
    )
    return Sight(
        references=tuple(tag for tag in spec.tags if tag not in target.dated),
        components=recipes,
        untold=frozenset(untold),
        moved=looked.moved,
        unfollowed=tuple(f"{sentence} (due by age only)" for sentence in (*told, *looked.unfollowed)),
    )


async def _files(directory: Path, target: Target) -> dict[str, str]:
    """The components of a folder: what its Dockerfile, its ignore file and all files that are sent hold."""
    found = await asyncio.to_thread(context.read, directory, target.spec.dockerfile, start=Path.cwd())
    looked = await fingerprint.take(found.directory, found.ignore)
    components = made_of.of_text(found) | {"files": await content.digest(found.directory, looked)}
    folders = await prepare.named_folders(target.spec, by_content=True)
    return components | {f"build-context {name}": inside for name, inside in folders.items()}


def _bases(past: Newest | None) -> dict[str, set[str]]:
    """The base images that the platforms were built on, each with its digests."""
    found: dict[str, set[str]] = {}
    for each in past.kept.values() if past else ():
        for name, digest in each.inputs.items():
            if name.startswith(BASE):
                found.setdefault(name.removeprefix(BASE), set()).add(digest)
    return found


def _comes_by_itself(component: str) -> bool:
    return component in described.LATE or component.startswith(UNFOLLOWED)


def _usual_platforms(inventory: Inventory, past: Newest | None) -> tuple[Platform, ...]:
    """What an image that names no platforms is built for, as far as that is known without asking the nodes."""
    if all(node.platforms for node in inventory.nodes.values()):
        return tuple(sorted({platform for node in inventory.nodes.values() for platform in node.platforms}))
    return past.platforms if past else ()


def _max_age(target: Target, inventory: Inventory) -> float | None:
    image = inventory.images.get(image_name(target.name))
    return image.max_age if image and image.max_age is not None else inventory.nightly.max_age


def _with_needs(targets: Sequence[Target], decisions: Sequence[Decision]) -> tuple[Decision, ...]:
    """What is built on a target that is built anew is so too, for the platforms that get another image of it."""
    found = {decision.target: decision for decision in decisions}
    changed = True
    while changed:
        changed = False
        for target in targets:
            mine = found[target.name]
            below = [found[name] for name in target.needs if name in found]
            anew = {
                platform: tuple(
                    f"{each.target}, which it is built on, is built anew"
                    for each in below
                    if linked.platform_for(platform, (*each.due, *each.kept)) in each.due
                )
                for platform in mine.kept
            }
            if any(anew.values()):
                found[target.name] = replace(
                    mine,
                    due={**mine.due, **{platform: reasons for platform, reasons in anew.items() if reasons}},
                    kept={platform: kept for platform, kept in mine.kept.items() if not anew[platform]},
                )
                changed = True
    return tuple(found[decision.target] for decision in decisions)
