"""What of an image is to be built tonight, platform by platform, and why. Pure.

A platform is due where what it would be built from is not what it was last built from, where there is nothing to go on
from, or where somebody wants it anew. What is not due is kept: its digest is joined again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from farm.errors import Exit, FarmError
from farm.history.newest import Newest
from farm.history.records import Kept
from farm.platforms import Platform
from farm.report import words
from farm.sources.inputs import BASE, ELSEWHERE, UNKNOWN, Inputs, besides_bases, differences

_SHOWN_REASONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A base image's tag that stands for something else now than it did.

    `platforms` are those for which it does; None where that cannot be told: then it has moved for all.
    """

    old: str
    new: str
    platforms: frozenset[Platform] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A target as it is now.

    `references` are its tags, but for those that bear the day's date. `components` are what each wanted platform would
    be built from (`Inputs.components`), without its base images; `untold` are names of components that were not looked
    at because they cannot have changed. `moved` are base images by name, with a move for each digest that one of the
    platforms was built on. `unfollowed` are sentences on what could not be looked up: that is due by age only.
    """

    references: tuple[str, ...]
    components: Mapping[Platform, Mapping[str, str]]
    untold: frozenset[str] = frozenset()
    moved: Mapping[str, tuple[Move, ...]] = field(default_factory=dict)
    unfollowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is done with a target tonight.

    `due` says of each platform that is built why, `kept` holds the others. `reasons` are those of the whole target:
    with them and no platform due it is only joined and tagged anew. `notes` stop nothing. `error` is set where the
    target could not be looked at at all.
    """

    target: str
    due: Mapping[Platform, tuple[str, ...]] = field(default_factory=dict)
    kept: Mapping[Platform, Kept] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    error: FarmError | None = None

    @property
    def is_due(self) -> bool:
        """Whether there is something to do."""
        return bool(self.due or self.reasons)

    @property
    def verdict(self) -> Literal["due", "not due", "unknown"]:
        """The decision in a word; unknown is what could not be looked at."""
        if self.error is not None:
            return "unknown"
        return "due" if self.is_due else "not due"

    @property
    def why(self) -> str:
        """The decision's reason in one line."""
        if self.error is not None:
            return self.error.what
        if not self.is_due:
            return "; ".join(("nothing has moved", *self.notes))
        own = [f"{_names(ps)}: {', '.join(_some(rs))}" for rs, ps in _alike(self.due)]
        return "; ".join((*self.reasons, *own, *self.notes))


def decide(
    target: str,
    sight: Sight,
    past: Newest | None,
    *,
    now: datetime,
    max_age: float | None = None,
    wanted: Iterable[str] = (),
) -> Decision:
    """Compare what a target is now with what the history knows of it.

    `max_age` is in seconds, None for any age; `wanted` are reasons in words for which it is built whatever has moved
    (`--force`, a trigger). A clock that has been put back makes nothing older than it is.
    """
    platforms = tuple(sight.components)
    if past is None or not past.kept:
        never = ("it was never built",)
        return Decision(
            target=target,
            due=dict.fromkeys(platforms, never),
            reasons=() if platforms else never,
            notes=sight.unfollowed,
        )
    everything = tuple(wanted)
    if past.published is not None and max_age is not None:
        age = (now - past.published).total_seconds()
        if age > max_age:
            everything = (*everything, f"it is older than {words.seconds(max_age)}")
    due: dict[Platform, tuple[str, ...]] = {}
    kept: dict[Platform, Kept] = {}
    for platform in platforms:
        reasons = everything or _moved(platform, sight, past)
        if reasons:
            due[platform] = reasons
        else:
            kept[platform] = _as_seen(past.kept[platform], sight)
    return Decision(
        target=target,
        due=due,
        kept=kept,
        reasons=_of_the_whole(sight, past, platforms),
        notes=sight.unfollowed,
    )


def _moved(platform: Platform, sight: Sight, past: Newest) -> tuple[str, ...]:
    """Why one platform is not what it was."""
    earlier = past.kept.get(platform)
    if earlier is None:
        return ("it was never built for this platform",)
    old, new = _compared(earlier.inputs, sight.untold), _compared(sight.components[platform], sight.untold)
    reasons = list(differences(old, new))
    # What else comes from the commit (labels, arguments) has changed with it, as everybody knows.
    if old.components.get("commit") != new.components.get("commit"):
        reasons = [reason for reason in reasons if reason.startswith("the commit")]
    for name, moves in sorted(sight.moved.items()):
        for move in moves:
            if earlier.inputs.get(f"{BASE}{name}") == move.old and _counts(move, name, platform, earlier):
                was = "nobody knew it" if move.old == UNKNOWN else f"it was {words.short(move.old)}"
                reasons.append(f"base image {name} is {words.short(move.new)} now, {was}")
    return tuple(reasons)


def _as_seen(earlier: Kept, sight: Sight) -> Kept:
    """What is kept, as if it had been built on the bases that were seen: for its platform they are the same images.

    Should one move again before the others are built, that is a difference then.
    """
    now = {
        f"{BASE}{name}": move.new
        for name, moves in sight.moved.items()
        for move in moves
        if earlier.inputs.get(f"{BASE}{name}") == move.old
    }
    return replace(earlier, inputs={**earlier.inputs, **now})


def _counts(move: Move, base: str, platform: Platform, earlier: Kept) -> bool:
    """Whether what moved is what this platform is built on."""
    is_elsewhere = f"{ELSEWHERE}{base}" in earlier.inputs
    return move.platforms is None or platform in move.platforms or is_elsewhere


def _of_the_whole(sight: Sight, past: Newest, platforms: Sequence[Platform]) -> tuple[str, ...]:
    reasons = []
    if past.exit_code is None:
        reasons.append("its last run was killed")
    elif past.exit_code == Exit.INTERRUPTED:
        reasons.append("its last run was interrupted")
    elif past.exit_code == Exit.BUSY:
        reasons.append("its last run did not get to it")
    elif past.exit_code not in (Exit.DONE, Exit.PARTIAL):
        reasons.append(f"its last run failed (exit {past.exit_code})")
    elif past.exit_code == Exit.PARTIAL:
        reasons.append("its last run published it without some of its platforms")
    if past.published is None and not reasons:
        reasons.append("it was never published")
    if past.exit_code == Exit.DONE and (left_out := sorted(set(past.kept) & set(platforms) - set(past.platforms))):
        reasons.append(f"it was last published without {_names(left_out)}")
    if gone := sorted(set(past.platforms) - set(platforms)):
        reasons.append(f"no longer wanted: {_names(gone)}")
    if set(sight.references) - set(past.references) and past.published is not None:
        new = ", ".join(sorted(set(sight.references) - set(past.references)))
        reasons.append(f"new tags: {new}")
    return tuple(reasons)


def _compared(components: Mapping[str, str], untold: frozenset[str]) -> Inputs:
    own = besides_bases(Inputs(components=components)).components
    return Inputs(components={name: value for name, value in own.items() if name not in untold})


def _alike(due: Mapping[Platform, tuple[str, ...]]) -> list[tuple[tuple[str, ...], list[Platform]]]:
    """The platforms that are due for the same reasons together, in their order."""
    found: dict[tuple[str, ...], list[Platform]] = {}
    for platform, reasons in due.items():
        found.setdefault(reasons, []).append(platform)
    return list(found.items())


def _some(reasons: Sequence[str]) -> tuple[str, ...]:
    more = len(reasons) - _SHOWN_REASONS
    return (*reasons[:_SHOWN_REASONS], *((f"and {more} more",) if more > 0 else ()))


def _names(platforms: Iterable[Platform]) -> str:
    return ", ".join(str(platform) for platform in platforms)
