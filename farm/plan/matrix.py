"""A target's platforms as jobs that can be scheduled among those of others. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from farm.build import linked
from farm.errors import UsageError
from farm.plan.jobs import Job, Key
from farm.plan.planner import Assignment
from farm.platforms import Platform
from farm.sources.targets import Target


def jobs(
    target: Target,
    assignments: Sequence[Assignment],
    *,
    usable: Collection[str],
    platforms: Mapping[str, Sequence[Platform]],
    peaks: Mapping[Platform, int] = MappingProxyType({}),
) -> tuple[Job, ...]:
    """A job for each platform that has a node.

    `usable` are the nodes that answer: an assignment's others stay standbys. `platforms` are those of each target that
    this one needs. `peaks` is the most memory that a build was seen to take, in bytes; what the target says of itself
    comes before that. Raises UsageError for a platform that a needed target is not built for.
    """
    return tuple(
        Job(
            key=Key(target.name, assignment.platform),
            nodes=tuple(node for node in (assignment.node, *assignment.standbys) if node in usable),
            needs=tuple(_need(target.name, need, assignment.platform, platforms[need]) for need in target.needs),
            priority=target.priority,
            memory=target.memory if target.memory is not None else peaks.get(assignment.platform),
        )
        for assignment in assignments
    )


def _need(name: str, need: str, platform: Platform, built: Sequence[Platform]) -> Key:
    found = linked.platform_for(platform, built)
    if found is None:
        raise UsageError(
            f"{name} is built for {platform}, and {need}, which it builds on, only for "
            f"{', '.join(str(each) for each in built)}",
            fix=f"give both the same platforms, or {need} a single one",
        )
    return Key(need, found)
