"""Annotations as `--annotation` takes them: `[type[platform],...:]key=value`.

Source: buildx, util/buildflags/export.go (ParseAnnotations) and BuildKit's exporter/containerimage/annotations.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from farm import platforms
from farm.errors import UsageError
from farm.platforms import Platform

_TYPE = re.compile(r"([a-z-]+)(?:\[([A-Za-z0-9_/-]+)\])?\Z")
_TYPES = ("manifest", "manifest-descriptor", "index", "index-descriptor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """One key and value for one place: an image's manifest, the index, or a line of the index.

    `platform` is None where it holds for every platform.
    """

    type: str
    platform: Platform | None
    key: str
    value: str

    def __str__(self) -> str:
        place = f"{self.type}[{self.platform}]" if self.platform else self.type
        return f"{place}:{self.key}={self.value}"


def parse(values: Sequence[str]) -> tuple[Annotation, ...]:
    """Read the values; one with several types becomes several. Raises UsageError for what buildx would refuse."""
    return tuple(annotation for value in values for annotation in _parse(value))


def of_manifests(values: Sequence[str], wanted: Sequence[Platform]) -> tuple[str, ...]:
    """Those that become part of the manifests of these platforms' images, and so of their digests.

    A node gets only these: without attestations it pushes no index, and BuildKit then refuses to annotate one.
    """
    return tuple(
        str(annotation)
        for annotation in parse(values)
        if annotation.type == "manifest" and (annotation.platform is None or annotation.platform in wanted)
    )


def of_index(values: Sequence[str]) -> tuple[str, ...]:
    """Those that stand in the index or its lines, and so can be given when images are joined by digest."""
    return tuple(str(annotation) for annotation in parse(values) if annotation.type in ("index", "manifest-descriptor"))


def _parse(text: str) -> Iterator[Annotation]:
    left, equals, value = text.partition("=")
    if not equals:
        raise _wrong(text, "it has no =")
    types, colon, key = left.partition(":")
    if not colon:
        yield Annotation(type="manifest", platform=None, key=left, value=value)
        return
    for word in types.split(","):
        match = _TYPE.match(word)
        if not match or match[1] not in _TYPES:
            raise _wrong(text, f"{word!r} is none of {', '.join(_TYPES)}")
        try:
            platform = platforms.parse(match[2]) if match[2] else None
        except ValueError as error:
            raise _wrong(text, str(error)) from error
        yield Annotation(type=match[1], platform=platform, key=key, value=value)


def _wrong(text: str, reason: str) -> UsageError:
    return UsageError(f"--annotation {text!r}: {reason}", fix="write key=value, or index:key=value for the whole image")
