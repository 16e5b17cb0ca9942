"""What the targets of one run must not ask of each other: found before anything is contacted. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from farm.errors import UsageError
from farm.registry import reference
from farm.sources.targets import Target


def check(targets: Sequence[Target]) -> None:
    """Raises UsageError for a name, a tag or an output file that two share, and for `needs` that cannot be met."""
    _twice("targets", "have the name", [(target.name, target.name) for target in targets])
    tags = [
        (str(reference.parse(tag).with_default_tag()), target.name) for target in targets for tag in target.spec.tags
    ]
    _twice("targets", "would have the tag", tags)
    files = [(target.spec.output.dest or "", target.name) for target in targets if target.spec.output.type == "oci"]
    _twice("targets", "would write the file", files)
    by_name = {target.name: target for target in targets}
    for target in targets:
        for need in target.needs:
            if need not in by_name:
                raise UsageError(f"{target.name} builds on {need!r}, which is no target", fix=_near(need, by_name))
    if cycle := _cycle(by_name):
        raise UsageError(
            f"no target can be the first: {' builds on '.join(cycle)}", fix="take one of these contexts away"
        )


def depend_on(name: str, targets: Sequence[Target]) -> frozenset[str]:
    """The names of all targets that cannot be built before the named one, itself included."""
    found = {name}
    while more := {target.name for target in targets if found.intersection(target.needs)} - found:
        found |= more
    return frozenset(found)


def _twice(what: str, have: str, pairs: Sequence[tuple[str, str]]) -> None:
    """Raises UsageError that names both owners of what is there twice."""
    first: dict[str, str] = {}
    for thing, owner in pairs:
        if thing not in first:
            first[thing] = owner
        elif first[thing] == owner == thing:
            raise UsageError(f"two {what} {have} {thing}", fix="name each once")
        elif first[thing] != owner:
            raise UsageError(f"{first[thing]} and {owner} {have} {thing}", fix="let each have its own")


def _near(name: str, names: Mapping[str, Target]) -> str:
    import difflib

    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}"


def _cycle(targets: Mapping[str, Target]) -> tuple[str, ...] | None:
    """One cycle, its first name again at its end; the same for any order of the targets."""
    done: set[str] = set()
    for start in sorted(targets):
        path: list[str] = []
        stack = [iter((start,))]
        while stack:
            name = next(stack[-1], None)
            if name is None:
                stack.pop()
                if path:
                    done.add(path.pop())
            elif name in path:
                return (*path[path.index(name) :], name)
            elif name not in done:
                path.append(name)
                stack.append(iter(sorted(targets[name].needs)))
    return None
