"""A wish from outside that an image be built: what Diun says of a base image, or a name that somebody gives. Pure.

Diun calls a script with variables that begin with DIUN_ENTRY_ (Diun's documentation, "Script notifications").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from farm.errors import UsageError
from farm.inventory import Image
from farm.registry import reference
from farm.registry.reference import Reference, is_digest

DIUN = "diun"
"""Who brings what Diun says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A wish.

    `subject` is an image reference, or the name of an image of the inventory; `digest` is what the reference stands for
    now, if that was said; `by` says who wishes it. `first` and `last` are when it came first and last, in seconds since
    the epoch, `count` how many times it came, and `tries` in how many nights it could not be fulfilled.
    """

    subject: str
    by: str
    digest: str | None = None
    first: float = 0.0
    last: float = 0.0
    count: int = 1
    tries: int = 0

    @property
    def words(self) -> str:
        """The wish as a reason."""
        times = f", {self.count} times" if self.count > 1 else ""
        return f"asked for by {self.by} ({self.subject}{times})"


def from_diun(environment: Mapping[str, str]) -> Trigger | None:
    """What Diun's variables say; None for an image that has not changed.

    Raises UsageError where they are not there, or say what is no image.
    """
    image, status = environment.get("DIUN_ENTRY_IMAGE", ""), environment.get("DIUN_ENTRY_STATUS", "")
    if not image:
        raise UsageError(
            "DIUN_ENTRY_IMAGE is not set",
            fix="let Diun's script notification call `farm trigger diun`, or give a name: farm trigger image NAME",
        )
    if status and status not in ("new", "update"):
        return None
    digest = environment.get("DIUN_ENTRY_DIGEST") or None
    if digest is not None and not is_digest(digest):
        raise UsageError(f"DIUN_ENTRY_DIGEST is {digest[:80]!r}, which is no digest", fix="look at Diun's version")
    return Trigger(subject=_full(image), by=DIUN, digest=digest)


def from_words(subject: str, images: Mapping[str, Image]) -> Trigger:
    """A wish for an image of the inventory by name, or for all that are pushed to or built on a reference.

    Raises UsageError for what is neither.
    """
    if subject in images:
        return Trigger(subject=subject, by="farm trigger")
    import difflib

    if "/" not in subject and ":" not in subject and (near := difflib.get_close_matches(subject, images, n=1)):
        raise UsageError(f"no image {subject!r} in the inventory", fix=f"did you mean {near[0]!r}?")
    return Trigger(subject=_full(subject), by="farm trigger")


def concerns(trigger: Trigger, image: str, references: Iterable[str], bases: Mapping[str, str]) -> bool:
    """Whether the wish is for this image: by its name, by where it is pushed to, or by what it is built on.

    `bases` are the references of its base images with the digests that it was last built on: a base that is that very
    digest changes nothing.
    """
    if trigger.subject == image:
        return True
    wanted = _parsed(trigger.subject)
    if wanted is None:
        return False
    for name in references:
        found = _parsed(name)
        if found is not None and found.repository == wanted.repository and wanted.tag in (None, "latest", found.tag):
            return True
    return any(
        _parsed(name) == wanted and (trigger.digest is None or trigger.digest != digest)
        for name, digest in bases.items()
    )


def _full(text: str) -> str:
    return str(reference.parse(text).with_default_tag())


def _parsed(text: str) -> Reference | None:
    try:
        return reference.parse(text).with_default_tag()
    except UsageError:
        return None
