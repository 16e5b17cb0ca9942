"""From the images that are asked for to their targets: each repository is asked once which commits its refs are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from farm.errors import FarmError
from farm.inventory.images import Image
from farm.sources import choice, conflicts, git, images
from farm.sources.giturl import GitUrl
from farm.sources.refs import Refs
from farm.sources.targets import Selection, Target

_AT_ONCE = 8


async def targets(
    entries: Mapping[str, Image],
    names: Sequence[str] = (),
    *,
    now: datetime,
    variables: Mapping[str, str] = MappingProxyType({}),
    seconds: float = git.REFS_SECONDS,
) -> Selection:
    """The targets of the images that `names` name (`app`, or `app@v1.2.3`; none for all) and of those that they need.

    `variables` are set for git, such as those of a proxy; a server that does not answer within `seconds` is given up.
    What is wrong with an image or a ref refuses that alone. Raises UsageError for a name that no image has.
    """
    chosen = choice.images(entries, names)
    places: dict[str, GitUrl | None] = {}
    refused: dict[str, FarmError] = {}
    for image in chosen:
        try:
            places[image.name] = images.place(image, await _login(image))
        except FarmError as error:
            refused[image.name] = error
    repositories = {url for url in places.values() if url and not url.is_commit}
    answers = await _asked(repositories, variables=variables, seconds=seconds)
    made: list[Target] = []
    for image in chosen:
        if image.name in refused:
            continue
        url = places[image.name]
        answer = answers.get(_repository(url)) if url else None
        try:
            if isinstance(answer, FarmError):
                raise images.of_image(image, answer)
            found = images.targets(image, url, answer, now=now)
        except FarmError as error:
            refused[image.name] = error
        else:
            made += found.targets
            refused |= found.refused
    found = Selection(targets=tuple(made), refused=refused)
    return choice.targets(conflicts.checked(found), entries, names)


async def _login(image: Image) -> str | None:
    try:
        return await asyncio.to_thread(image.login.read) if image.login else None
    except FarmError as error:
        raise images.of_image(image, error) from error


async def _asked(
    urls: Iterable[GitUrl], *, variables: Mapping[str, str], seconds: float
) -> dict[GitUrl, Refs | FarmError]:
    """What each repository answers, however many images are built from it."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def ask(url: GitUrl) -> Refs | FarmError:
        try:
            async with room:
                return await git.refs(url, seconds=seconds, variables=variables)
        except FarmError as error:
            return error

    repositories = tuple({_repository(url) for url in urls})
    return dict(zip(repositories, await asyncio.gather(*map(ask, repositories)), strict=True))


def _repository(url: GitUrl) -> GitUrl:
    """The same for every place in a repository, seen with the same login."""
    return GitUrl(remote=url.remote, username=url.username, password=url.password)
