"""Which images and targets a user means by the names that he gives. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence

from farm.errors import UsageError
from farm.inventory.images import Image
from farm.sources.targets import Selection, image_name, with_needs

_TARGET = "target:"


def images(entries: Mapping[str, Image], names: Sequence[str]) -> tuple[Image, ...]:
    """The images that the names (`app`, or `app@v1.2.3`) begin with, all where there is none, and what those need.

    In the inventory's order. Raises UsageError for a name that no image has.
    """

    def needed(name: str) -> list[str]:
        return [image_name(need) for need in needs(entries[name])] if name in entries else []

    wanted = with_needs([_image(entries, name) for name in names] or entries, needed)
    return tuple(image for name, image in entries.items() if name in wanted)


def targets(found: Selection, entries: Mapping[str, Image], names: Sequence[str]) -> Selection:
    """Of the targets those that are named and those that they need.

    Raises UsageError for a name such as `app@v9` that no target has.
    """
    by_name = {target.name: target for target in found.targets}
    known = [*by_name, *found.refused]
    meant: list[str] = []
    for name in names or entries:
        image = image_name(name)
        mine = [other for other in known if other == name or (name in entries and other.startswith(f"{name}@"))]
        if not mine and image in found.refused:
            mine = [image]
        if not mine:
            raise UsageError(f"{image} has no target {name}", fix=_fix(name, [*known, *entries]))
        meant += mine
    wanted = with_needs(meant, lambda name: by_name[name].needs if name in by_name else ())
    return Selection(
        targets=tuple(target for target in found.targets if target.name in wanted),
        refused={name: error for name, error in found.refused.items() if name in wanted},
    )


def needs(image: Image) -> tuple[str, ...]:
    """The names of the targets that an image uses as contexts."""
    return tuple(value.removeprefix(_TARGET) for value in image.contexts.values() if value.startswith(_TARGET))


def _image(entries: Mapping[str, Image], name: str) -> str:
    image = image_name(name)
    if image not in entries:
        raise UsageError(f"there is no image {image} in the inventory", fix=_fix(image, entries))
    return image


def _fix(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"there is {', '.join(known) or 'none: add images:'}"
