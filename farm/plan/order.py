"""In which order jobs choose their nodes. Pure, and the same for any input order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from farm.plan.jobs import Job, Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`jobs` after what they need. `ranks`: seconds until all is done that waits for a job, from its own start.

    `circles` are the jobs that need themselves, each with the way round, and `stuck` those that wait for such, each
    with the need that it waits for.
    """

    jobs: tuple[Job, ...]
    ranks: Mapping[Key, float]
    circles: Mapping[Key, tuple[Key, ...]]
    stuck: Mapping[Key, Key]


def order(jobs: Sequence[Job], seconds: Mapping[Key, float]) -> Order:
    """Put the jobs with the highest priority first, then those that most depends upon (the longest way to the end).

    `seconds` is how long each takes. What a job needs is as urgent as the job; needs that are not among `jobs` do not
    count.
    """
    by_key = {job.key: job for job in jobs}
    needs = {key: sorted({need for need in job.needs if need in by_key}) for key, job in by_key.items()}
    possible = _topological(needs)
    ranks = {key: seconds[key] for key in by_key}
    urgent = {key: job.priority for key, job in by_key.items()}
    height = dict.fromkeys(by_key, 0)
    for key in reversed(possible):
        for need in needs[key]:
            ranks[need] = max(ranks[need], seconds[need] + ranks[key])
            urgent[need] = max(urgent[need], urgent[key])
            height[need] = max(height[need], height[key] + 1)
    # Height tells jobs apart whose needs take no time.
    first = sorted(possible, key=lambda key: (-urgent[key], -ranks[key], -height[key], key))
    impossible = {key: needs[key] for key in by_key.keys() - set(possible)}
    circles = _circles(impossible)
    return Order(
        jobs=tuple(by_key[key] for key in first),
        ranks=ranks,
        circles=circles,
        stuck={
            key: next(need for need in wanted if need in impossible)
            for key, wanted in sorted(impossible.items())
            if key not in circles
        },
    )


def _topological(needs: Mapping[Key, Sequence[Key]]) -> list[Key]:
    """Everything that can be done, after what it needs."""
    users: dict[Key, list[Key]] = {}
    for key, wanted in needs.items():
        for need in wanted:
            users.setdefault(need, []).append(key)
    missing = {key: len(wanted) for key, wanted in needs.items()}
    found = [key for key, count in missing.items() if not count]
    for key in found:  # grows meanwhile
        for user in users.get(key, ()):
            missing[user] -= 1
            if not missing[user]:
                found.append(user)
    return found


def _circles(needs: Mapping[Key, Sequence[Key]]) -> dict[Key, tuple[Key, ...]]:
    """The circles among jobs that can never start. From each of those, needs lead to a circle."""
    circles: dict[Key, tuple[Key, ...]] = {}
    seen: set[Key] = set()
    for key in sorted(needs):
        way: dict[Key, None] = {}
        while key not in seen:
            seen.add(key)
            way[key] = None
            key = next(need for need in needs[key] if need in needs)
        if key in way:
            path = list(way)
            circle = path[path.index(key) :]
            circles.update({each: (*circle[n:], *circle[: n + 1]) for n, each in enumerate(circle)})
    return circles
