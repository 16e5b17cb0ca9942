"""An image that nobody could build or push as it says, and two that would push to one tag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.inventory import image_rules
from farm.inventory.contradictions import repetitions
from farm.inventory.contradictions.places import entries, texts
from farm.inventory.document import Document
from farm.inventory.explain import subject
from farm.inventory.images import TAG_RULES
from farm.inventory.mistakes import Mistake, plain
from farm.inventory.walk import Location

_HUB = "docker.io"
_LISTS = ("platforms", "image", "tags", "refs", "secrets", "ssh")


def find(data: Mapping[str, Any], document: Document) -> Iterator[Mistake]:
    """Every contradiction between what images say, and between them and the registries."""
    pushed: dict[tuple[str, str], str] = {}
    for name, entry in entries(data, "images").items():
        owner = ("images", name)
        yield from repetitions.find(owner, entry, _LISTS, document)
        yield from _useless(owner, entry, document)
        yield from _refused(owner, entry, entries(data, "registries"), document)
        yield from _shared_tags(name, entry, pushed, document)


def _useless(owner: Location, entry: Mapping[str, Any], document: Document) -> Iterator[Mistake]:
    """What a context of another kind would need."""
    context = entry.get("context")
    if not isinstance(context, str):
        return
    if "refs" in entry and not image_rules.is_url(context):
        message = f"{subject((*owner, 'refs'))} has no meaning with the directory {plain(context)}"
        yield document.mistake(
            (*owner, "refs"), message, hint="remove `refs`, or name a git URL at `context`", at_key=True
        )
    if "login" in entry and not image_rules.is_https(context):
        message = f"{subject((*owner, 'login'))} has no meaning without a git URL at https://"
        yield document.mistake(
            (*owner, "login"), message, hint="remove it; ssh takes the keys of your agent", at_key=True
        )
    if "tags" in entry and not entry.get("image"):
        message = f"{subject((*owner, 'tags'))} has no meaning without `image`"
        yield document.mistake((*owner, "tags"), message, hint="name the repository at `image`", at_key=True)


def _refused(
    owner: Location, entry: Mapping[str, Any], registries: Mapping[str, Mapping[str, Any]], document: Document
) -> Iterator[Mistake]:
    for place, repository in _said((*owner, "image"), entry.get("image")):
        domain = _full(repository).partition("/")[0]
        if registries.get(domain, {}).get("push") is False:
            yield document.mistake(
                place,
                f"{subject((*owner, 'image'))} is in registry {plain(domain)}, which says `push: false`",
                hint="choose another registry, or remove `push: false`",
            )


def _shared_tags(
    name: str, entry: Mapping[str, Any], pushed: dict[tuple[str, str], str], document: Document
) -> Iterator[Mistake]:
    """A tag that another image has is told once, whatever the number of repositories that both push it to."""
    for place, tag in _literal_tags(name, entry):
        for _, repository in _said(("images", name, "image"), entry.get("image")):
            first = pushed.setdefault((_full(repository), tag), name)
            if first != name:
                yield document.mistake(
                    place if place in document.values else ("images", name),
                    f"image {plain(name)} pushes {plain(repository)}:{plain(tag)}, as image {plain(first)} does",
                    hint="give one of them another tag or another repository",
                    at_key=place not in document.values,
                )
                break


def _literal_tags(name: str, entry: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
    """The tags that are known before anything is looked up: rules need a commit, but for a directory's."""
    place: Location = ("images", name, "tags")
    said, context = entry.get("tags"), entry.get("context")
    is_directory = isinstance(context, str) and not image_rules.is_url(context)
    if not said and is_directory:
        yield place, "latest"
    for at, text in _said(place, said):
        if text == "default" and is_directory:
            yield from ((at, "latest"), (at, "edge"))
        elif "{" not in text and (text not in TAG_RULES or (text == "edge" and is_directory)):
            yield at, text


def _said(place: Location, value: object) -> list[tuple[Location, str]]:
    """The texts of a value that may stand alone or in a list, each with its place."""
    if isinstance(value, str):
        return [(place, value)]
    return [((*place, at), text) for at, text in texts(value)]


def _full(repository: str) -> str:
    """A repository with its registry, which Docker Hub's may leave out."""
    first, slash, _ = repository.partition("/")
    if slash and (any(sign in first for sign in ".:[") or first == "localhost"):
        return repository.replace(f"index.{_HUB}/", f"{_HUB}/", 1)
    return f"{_HUB}/{repository}"
