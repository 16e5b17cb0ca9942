"""Targets that cannot be built beside the others, each with its reason; the others are. Pure."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from farm.errors import FarmError, UsageError
from farm.registry import reference
from farm.sources.targets import Selection, Target

_SHOWN = 3


def checked(selection: Selection) -> Selection:
    """Refuse targets that have the same tag, that use each other in a circle, or that use what is not built."""
    refused = {**selection.refused, **_same_tags(selection.targets)}
    needs = {target.name: target.needs for target in selection.targets}
    for name in _in_order(needs, refused):
        wrong = [need for need in needs.get(name, ()) if need in refused or need not in needs]
        if wrong and name not in refused:
            refused[name] = _not_built(name, wrong[0], [*needs, *selection.refused], is_known=wrong[0] in refused)
    kept = tuple(target for target in selection.targets if target.name not in refused)
    return Selection(targets=kept, refused=refused)


def _same_tags(targets: Sequence[Target]) -> dict[str, FarmError]:
    pushing: dict[str, list[str]] = defaultdict(list)
    for target in targets:
        # Also where none is pushed: of one image, one build at a time is made.
        for tag in dict.fromkeys(str(reference.parse(text).with_default_tag()) for text in target.spec.tags):
            pushing[tag].append(target.name)
    found: dict[str, FarmError] = {}
    for tag, names in pushing.items():
        if len(names) == 1:
            continue
        for name in names:
            others = [other for other in names if other != name]
            more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
            what = f"{name} and {', '.join(others[:_SHOWN])}{more} would have the same tag, {tag}"
            fix = "give each a tag of its own, or leave one out"
            found.setdefault(name, UsageError(what, fix=fix))
    return found


def _in_order(needs: Mapping[str, Sequence[str]], refused: dict[str, FarmError]) -> tuple[str, ...]:
    """Every name behind those that it needs; the names of a circle are refused."""
    left = dict(needs)
    while True:
        try:
            return tuple(TopologicalSorter(left).static_order())
        except CycleError as error:
            circle = [str(name) for name in reversed(error.args[1])]
            for name in circle:
                left.pop(name, None)
                refused[name] = UsageError(
                    f"{name} is built from itself: {' needs '.join(circle)}", fix="take one of these contexts out"
                )


def _not_built(name: str, need: str, known: Sequence[str], *, is_known: bool) -> UsageError:
    if is_known:
        return UsageError(f"{name} needs {need}, which cannot be built", fix=f"mend {need} first")
    several = [other for other in known if other.startswith(f"{need}@")]
    if several:
        return UsageError(
            f"{name} needs {need}, of which several refs are built",
            fix="an image with refs: cannot be another's context: give it a context of its own, with one ref",
        )
    near = difflib.get_close_matches(need, known, n=1)
    return UsageError(
        f"{name} needs {need}, and there is no such target",
        fix=f"did you mean target:{near[0]}?" if near else "check its name",
    )
