"""How long jobs are expected to take, from what earlier ones took. Pure."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from farm.history.learned import Learned, Pair, Times
from farm.history.speeds import Speeds
from farm.plan.jobs import Alike, Basis, Expect, Expected, Job, Key
from farm.platforms import Platform

# What is older says more about an older Dockerfile.
RECENT = 5
# What has not been used for so long is removed by BuildKit's default policy (its cmd/buildkitd/config/gcpolicy.go).
CACHE_KEPT = timedelta(days=60)
# A guess for a first build that fills the cache where nothing tells what the next then takes.
WARM_SHARE = 0.5
# A guess for the very first job of a farm, in seconds.
UNKNOWN = 300.0
# Nodes whose speeds differ by less than this ratio count as alike: builds of one job on one node differ by more.
STEP = 1.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """`expect` says how long a job takes on a node; `alike` tells the schedule which nodes it need not ask about."""

    expect: Expect
    alike: Alike


def estimates(
    learned: Learned,
    speeds: Speeds,
    nodes: Iterable[str],
    *,
    now: datetime,
    names: Mapping[str, str] = MappingProxyType({}),
) -> Estimates:
    """Expect of the next run what the history says of earlier ones; `names` are the targets' names there, if others.

    A node that has built the job is expected to take what it took lately (measured): with a warm cache if it has had
    the job within CACHE_KEPT and if its cache has helped as often as not, the first build apart. Another node is
    expected to build cold, and to take what others took, times how fast it is compared with them (speed). Of a job
    that nobody built, the target's other platforms or else the platform's other targets give a guess.
    """
    past = _Past(learned, speeds)
    memo: dict[tuple[Key, Hashable], Expected] = {}
    kinds = {node: past.kind(node) for node in nodes}
    apart: dict[Key, list[str]] = {}
    targets: dict[str, list[str]] = {}
    for name, kept in names.items():
        targets.setdefault(kept, []).append(name)
    for kept, platform, node in learned.times:
        for name in targets.get(kept, () if kept in names else (kept,)):
            apart.setdefault(Key(name, platform), []).append(node)

    def expect(job: Job, node: str) -> Expected:
        target, platform = names.get(job.key.target, job.key.target), job.key.platform
        if (times := learned.times.get(Pair(target, platform, node))) and (times.cold or times.warm):
            return past.of_node(target, platform, times, now)
        place = job.key, kinds[node] if node in kinds else past.kind(node)
        return memo.get(place) or memo.setdefault(place, past.of_others(target, platform, node))

    return Estimates(expect=expect, alike=Alike(kinds=kinds, apart=apart))


class _Past:
    """Medians of the history, each taken to what a node of speed 1 of its group would have needed: a level."""

    def __init__(self, learned: Learned, speeds: Speeds) -> None:
        self._factors = {name: _rounded(factor) for name, factor in speeds.factors.items()}
        self._groups = speeds.groups
        self._middle = _median([*self._factors.values()]) if self._factors else 1.0
        self._of_job: dict[tuple[str, Platform], dict[int | None, list[float]]] = {}
        of_target: dict[str, list[float]] = {}
        of_platform: dict[Platform, list[float]] = {}
        self._shares: dict[tuple[str, Platform], list[float]] = {}
        for (target, platform, node), times in learned.times.items():
            if not times.cold and not times.warm:
                continue
            cold = _recently(times.cold) if times.cold else _recently(times.warm) / WARM_SHARE
            level = cold / self._factor(node)
            self._of_job.setdefault((target, platform), {}).setdefault(self._groups.get(node), []).append(level)
            of_target.setdefault(target, []).append(level)
            of_platform.setdefault(platform, []).append(level)
            if times.cold and times.warm and cold > 0:
                self._shares.setdefault((target, platform), []).append(min(1.0, _recently(times.warm) / cold))

        self._of_targets = {target: _median(levels) for target, levels in of_target.items()}
        self._of_platforms = {platform: _median(levels) for platform, levels in of_platform.items()}

    def kind(self, node: str) -> Hashable:
        """What decides how long a node takes for a job that it has never built."""
        return self._groups.get(node), self._factors.get(node)

    def of_node(self, target: str, platform: Platform, times: Times, now: datetime) -> Expected:
        """What a node takes that has built the job."""
        is_kept = now - times.last < CACHE_KEPT
        if is_kept and len(times.warm) >= len(times.cold) - 1:
            if times.warm:
                return Expected(seconds=_recently(times.warm), is_warm=True, basis="measured")
            shares = self._shares.get((target, platform))
            share = _median(shares) if shares else WARM_SHARE
            basis: Basis = "speed" if shares else "guess"
            return Expected(seconds=_recently(times.cold) * share, is_warm=True, basis=basis)
        if times.cold:
            return Expected(seconds=_recently(times.cold), basis="measured")
        return Expected(seconds=_recently(times.warm) / WARM_SHARE, basis="guess")

    def of_others(self, target: str, platform: Platform, node: str) -> Expected:
        """What a node takes that has never built the job."""
        level, basis = self._level(target, platform, self._groups.get(node))
        return Expected(seconds=UNKNOWN if level is None else level * self._factor(node), basis=basis)

    def _level(self, target: str, platform: Platform, group: int | None) -> tuple[float | None, Basis]:
        levels = self._of_job.get((target, platform), {})
        if group is not None and group in levels:
            return _median(levels[group]), "speed"
        if known := [level for each in levels.values() for level in each]:
            return _median(known), "guess"
        return self._of_targets.get(target, self._of_platforms.get(platform)), "guess"

    def _factor(self, node: str) -> float:
        return self._factors.get(node, self._middle)


def _rounded(factor: float) -> float:
    """The next power of STEP, so that nodes of one make are of one kind."""
    return math.pow(STEP, round(math.log(factor, STEP)))


def _recently(seconds: tuple[float, ...]) -> float:
    return _median(seconds[:RECENT])


def _median(values: Sequence[float]) -> float:
    if len(values) == 1:
        return values[0]
    import statistics  # it loads much that no other part of a run needs

    return statistics.median(values)
