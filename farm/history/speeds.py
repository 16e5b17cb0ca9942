"""How fast nodes are, compared with each other. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from farm.history.learned import Learned, Mark

# The probe benchmark counts as one job among those that nodes have in common.
_BENCHMARK = "the probe benchmark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Speeds:
    """`factors` says how many times as long as its group's fastest a node takes; only nodes of one group compare."""

    factors: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[str, int] = field(default_factory=dict)

    def ratio(self, node: str, other: str) -> float | None:
        """How many times as long `node` takes as `other`; None where nothing compares them."""
        if node not in self.factors or self.groups[node] != self.groups.get(other):
            return None
        return self.factors[node] / self.factors[other]


def speeds(learned: Learned) -> Speeds:
    """From the medians of what several nodes built with cold caches, and from the probe benchmark.

    Nodes are placed one after the other, those first that have most in common with those already placed: each by the
    median of how much longer than they it took for the same jobs. So nodes that never built the same compare through
    others that did, and one odd build moves nothing.
    """
    import statistics

    jobs = _jobs(learned)
    of_node: dict[str, list[object]] = {}
    for job, times in jobs.items():
        for node in times:
            of_node.setdefault(node, []).append(job)
    factors: dict[str, float] = {}
    groups: dict[str, int] = {}
    levels: dict[object, list[float]] = {}
    known: Counter[str] = Counter()
    left = sorted(of_node, key=lambda name: (-len(of_node[name]), name))
    group = -1
    while left:
        node = max(left, key=known.__getitem__)
        left.remove(node)
        ratios = [jobs[job][node] / statistics.median(levels[job]) for job in of_node[node] if job in levels]
        group += not ratios
        factors[node], groups[node] = statistics.median(ratios) if ratios else 1.0, group
        for job in of_node[node]:
            if job not in levels:
                known.update(jobs[job])
            levels.setdefault(job, []).append(jobs[job][node] / factors[node])
    fastest = {number: min(f for name, f in factors.items() if groups[name] == number) for number in range(group + 1)}
    return Speeds(factors={name: f / fastest[groups[name]] for name, f in factors.items()}, groups=groups)


def unmarked(cpus: Mapping[str, str], learned: Learned, marks: Mapping[str, Mark]) -> tuple[str, ...]:
    """The nodes that should do the probe benchmark, of those of a run, which are given with the CPU that each has.

    None of them where all compare by what they have built. Else those that never did it, for only marks on both sides
    compare; and always those that did it with another CPU.
    """
    found = speeds(learned)
    is_compared = len({found.groups.get(node, node) for node in cpus}) <= 1
    return tuple(node for node, cpu in cpus.items() if (marks[node].cpu != cpu if node in marks else not is_compared))


def _jobs(learned: Learned) -> dict[object, dict[str, float]]:
    """Seconds by node for each job."""
    import statistics

    jobs: dict[object, dict[str, float]] = {}
    for (target, platform, node), times in learned.times.items():
        # What took no time at all compares with nothing.
        if times.cold and (seconds := statistics.median(times.cold)) > 0:
            jobs.setdefault((target, platform), {})[node] = seconds
    jobs[_BENCHMARK] = {node: seconds for node, seconds in learned.marks.items() if seconds > 0}
    return jobs
