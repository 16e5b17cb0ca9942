"""Targets that cannot be built beside the others, each with its reason; the others are. Pure."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from farm.errors import FarmError, UsageError
from farm.registry import reference
from farm.sources.targets import Selection, Target

_SHOWN = 3


def checked(selection: Selection) -> Selection:
    """Refuse targets that share a tag or an output file, use each other in a circle, or use what is not built.

    Their names are their own: whoever made them has seen to that.
    """
    refused = {
        **selection.refused,
        **_same(selection.targets, _files, "would write the same file"),
        **_same(selection.targets, _tags, "would have the same tag"),
    }
    needs = {target.name: target.needs for target in selection.targets}
    for name in _in_order(needs, refused):
        wrong = [need for need in needs.get(name, ()) if need in refused or need not in needs]
        if wrong and name not in refused:
            refused[name] = _not_built(name, wrong[0], [*needs, *selection.refused], is_known=wrong[0] in refused)
    kept = tuple(target for target in selection.targets if target.name not in refused)
    return Selection(targets=kept, refused=refused)


def _tags(target: Target) -> Iterable[str]:
    # Also where none is pushed: of one image, one build at a time is made.
    return (str(reference.parse(text).with_default_tag()) for text in target.spec.tags)


def _files(target: Target) -> Iterable[str]:
    output = target.spec.output
    return (output.dest,) if output.type == "oci" and output.dest else ()


def _same(targets: Sequence[Target], things: Callable[[Target], Iterable[str]], have: str) -> dict[str, FarmError]:
    """An error for each target that has one of these things in common with others; it names some of them."""
    owners: dict[str, list[str]] = defaultdict(list)
    for target in targets:
        for thing in dict.fromkeys(things(target)):
            owners[thing].append(target.name)
    found: dict[str, FarmError] = {}
    for thing, names in owners.items():
        if len(names) == 1:
            continue
        for name in names:
            others = [other for other in names if other != name]
            more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
            what = f"{name} and {', '.join(others[:_SHOWN])}{more} {have}, {thing}"
            found.setdefault(name, UsageError(what, fix="give each one of its own, or leave one out"))
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
