from __future__ import annotations

import pytest

from farm.errors import UsageError
from farm.inventory.images import Image
from farm.sources import choice
from farm.sources.spec import Spec
from farm.sources.targets import Selection, Target

ENTRIES = {
    image.name: image
    for image in (
        Image(name="web", context="/web", contexts={"b": "target:base"}),
        Image(name="base", context="/base"),
        Image(name="app", context="https://git.lan/app.git", refs=("v*",)),
        Image(name="gone", context="https://git.lan/gone.git", refs=("v*",)),
    )
}


def target(name: str, *needs: str) -> Target:
    return Target(name=name, spec=Spec(context="."), needs=needs)


FOUND = Selection(
    targets=(target("web", "base"), target("base"), target("app@v2"), target("app@v1")),
    refused={"gone": UsageError("gone"), "app@日": UsageError("no tag")},
)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((), "web base app gone"),
        (("base",), "base"),
        (("web",), "web base"),  # with what it needs
        (("app", "base"), "base app"),  # in the inventory's order
        (("app@v1",), "app"),
        (("app@v1", "app@v2"), "app"),
    ],
)
def test_images(names: tuple[str, ...], expected: str) -> None:
    assert " ".join(image.name for image in choice.images(ENTRIES, names)) == expected


def test_images_in_a_circle() -> None:
    entries = {name: Image(name=name, context=".", contexts={"x": f"target:{name}"}) for name in ("a", "b")}
    assert [image.name for image in choice.images(entries, ["a"])] == ["a"]


@pytest.mark.parametrize(
    ("names", "expected", "refused"),
    [
        ((), "web base app@v2 app@v1", "gone app@日"),
        (("web",), "web base", ""),
        (("app",), "app@v2 app@v1", "app@日"),
        (("app@v1",), "app@v1", ""),
        (("app@日",), "", "app@日"),
        (("gone",), "", "gone"),
        (("gone@v1",), "", "gone"),  # what it might have been is not known
    ],
)
def test_targets(names: tuple[str, ...], expected: str, refused: str) -> None:
    found = choice.targets(FOUND, ENTRIES, names)
    assert " ".join(target.name for target in found.targets) == expected
    assert " ".join(found.refused) == refused


def test_names_that_are_not_there() -> None:
    with pytest.raises(UsageError) as caught:
        choice.images(ENTRIES, ["wbe"])
    assert (caught.value.what, caught.value.fix) == ("there is no image wbe in the inventory", "did you mean web?")
    with pytest.raises(UsageError) as caught:
        choice.targets(FOUND, ENTRIES, ["app@v11"])
    assert (caught.value.what, caught.value.fix) == ("app has no target app@v11", "did you mean app@v1?")
    with pytest.raises(UsageError) as caught:
        choice.images({}, ["x"])
    assert caught.value.fix == "there is none: add images:"
