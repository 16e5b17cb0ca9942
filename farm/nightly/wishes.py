"""Whom wishes that wait are for, and what a night makes of them: one stays until what it asks for is built. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from farm.history.newest import Newest
from farm.nightly import trigger
from farm.nightly.spool import Waiting
from farm.notify.night import State
from farm.sources.inputs import BASE
from farm.sources.targets import Target, image_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A wish that waits, and the names of the targets that it is for."""

    waiting: Waiting
    targets: tuple[str, ...]

    @property
    def words(self) -> str:
        """The wish as a reason."""
        return self.waiting.trigger.words


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of wishes: all that they are for was built, or some of it failed. The others simply stay."""

    fulfilled: tuple[Waiting, ...]
    failed: tuple[Waiting, ...]


def wishes(
    waits: Iterable[Waiting], targets: Sequence[Target], refused: Collection[str], pasts: Mapping[str, Newest]
) -> tuple[Wish, ...]:
    """Each wish with the targets that it is for; of those that are `refused` only the image's own name tells that."""
    return tuple(
        Wish(
            waiting=waiting,
            targets=(
                *(target.name for target in targets if _is_for(waiting, target, pasts.get(target.name))),
                *(name for name in refused if image_name(name) == waiting.trigger.subject),
            ),
        )
        for waiting in waits
    )


def settled(found: Iterable[Wish], states: Mapping[str, State], *, is_all_seen: bool) -> Settled:
    """What a night made of wishes; `states` are by the target's name.

    A wish that is for nothing goes, but not where `is_all_seen` is off: it may be for what could not be looked at.
    """
    fulfilled, failed = [], []
    for wish in found:
        became = [states.get(name, "postponed") for name in wish.targets]
        if "failed" in became or (not became and not is_all_seen):
            failed.append(wish.waiting)
        elif "postponed" not in became:
            fulfilled.append(wish.waiting)
    return Settled(fulfilled=tuple(fulfilled), failed=tuple(failed))


def _is_for(waiting: Waiting, target: Target, past: Newest | None) -> bool:
    bases = {
        name.removeprefix(BASE): digest
        for kept in (past.kept.values() if past else ())
        for name, digest in kept.inputs.items()
        if name.startswith(BASE)
    }
    return trigger.concerns(waiting.trigger, image_name(target.name), target.spec.tags, bases)
