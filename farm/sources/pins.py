"""Fixes the images of a build to digests, once for the whole farm: a tag that moves meanwhile changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from farm.errors import RefusedError, UnreachableError, UsageError
from farm.registry.reference import Reference
from farm.sources.dockerfile import BaseImage


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """An image fixed to what its tag stands for now; `name` is how BuildKit asks for it."""

    name: str
    reference: Reference
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """The pins; a warning for each image that the coordinator could not look up, and those images' names."""

    pins: tuple[Pin, ...]
    warnings: tuple[str, ...]
    unknown: tuple[str, ...] = ()


def build_context(pin: Pin) -> str:
    """The value of `--build-context` that puts the pin in the place of the image."""
    return f"{pin.name}=docker-image://{pin.reference.with_digest(pin.digest)}"


async def resolve(
    images: Sequence[BaseImage], digest_of: Callable[[Reference], Awaitable[str | None]], place: str = "Dockerfile"
) -> Pins:
    """Look every image up, all at once.

    Raises UsageError with `place:line` for an image that its registry does not have. A registry that does not answer
    or refuses the coordinator gives a warning: the nodes may have a mirror, or know its certificate.
    """
    answers = await asyncio.gather(*(digest_of(image.reference) for image in images), return_exceptions=True)
    pins: list[Pin] = []
    warnings: list[str] = []
    unknown: list[str] = []
    for image, answer in zip(images, answers, strict=True):
        if isinstance(answer, UnreachableError | RefusedError):
            unknown.append(image.context_name)
            warnings.append(
                f"{place}:{image.line}: {image.name} is not pinned, nodes may build on different images: {answer}"
            )
        elif isinstance(answer, BaseException):
            raise answer
        elif answer is None:
            raise UsageError(
                f"{place}:{image.line}: {image.reference} is not in its registry",
                fix="check the name and the tag, or push it first",
            )
        else:
            pins.append(Pin(name=image.context_name, reference=image.reference, digest=answer))
    return Pins(pins=tuple(pins), warnings=tuple(warnings), unknown=tuple(unknown))
