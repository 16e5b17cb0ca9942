"""Farms and nights as homes have them, made from a seed: boards of unequal speed, images of unequal size."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from farm.plan.jobs import Alike, Expected, Job, Key, Seat
from farm.platforms import Platform, parse

AMD64, ARM64, ARMV7 = parse("linux/amd64"), parse("linux/arm64"), parse("linux/arm/v7")
PLATFORMS = (AMD64, ARM64, ARMV7)
GB = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Make:
    """A make of board or machine: how many times as long as a fast PC it takes, its memory for builds, its slots."""

    name: str
    factor: float
    memory: int
    slots: int
    platforms: tuple[Platform, ...]
    share: float


# Factors are round numbers from public benchmarks (7-zip and compile times): a Pi 4 is about a fifth, and an Atom
# z3735f about an eighth as fast as four cores of a current PC.
MAKES = (
    Make(name="pi4", factor=5.0, memory=3 * GB, slots=1, platforms=(ARM64, ARMV7), share=0.4),
    Make(name="pi5", factor=2.2, memory=7 * GB, slots=2, platforms=(ARM64, ARMV7), share=0.15),
    Make(name="z3735f", factor=8.0, memory=3 * GB // 2, slots=1, platforms=(AMD64,), share=0.3),
    Make(name="pc", factor=1.0, memory=12 * GB, slots=3, platforms=(AMD64,), share=0.15),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A sort of image: cold seconds on a fast PC, the memory of a build, the share that a warm cache leaves to do."""

    name: str
    seconds: tuple[float, float]
    memory: int
    warm: tuple[float, float]
    share: float


RECIPES = (
    Recipe(name="alpine", seconds=(4, 25), memory=GB // 5, warm=(0.1, 0.5), share=0.35),
    Recipe(name="script", seconds=(20, 120), memory=GB // 2, warm=(0.1, 0.6), share=0.3),
    Recipe(name="go", seconds=(40, 240), memory=GB, warm=(0.2, 0.7), share=0.25),
    Recipe(name="rust", seconds=(120, 700), memory=14 * GB // 10, warm=(0.2, 0.8), share=0.1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A farm and what it is to build.

    `times` are cold seconds on a fast PC, `factors` how many times as long a node takes, and `warm` the share of that
    which a node needs that has built the job.
    """

    jobs: tuple[Job, ...]
    seats: Mapping[str, Seat]
    factors: Mapping[str, float]
    times: Mapping[Key, float]
    warm: Mapping[Key, Mapping[str, float]]

    def expect(self, job: Job, node: str) -> Expected:
        """What the history of such a farm would tell."""
        share = self.warm[job.key].get(node)
        seconds = self.times[job.key] * self.factors[node]
        if share is None:
            return Expected(seconds=seconds, basis="speed")
        return Expected(seconds=seconds * share, is_warm=True, basis="measured")

    @property
    def alike(self) -> Alike:
        """Boards of one make are alike, but for those that have built a job."""
        return Alike(kinds=self.factors, apart=self.warm)


def workload(nodes: int, jobs: int, seed: int) -> Workload:
    """So many nodes and jobs: targets for three platforms, half of those in most groups on a base of the group."""
    random_ = random.Random(f"{nodes} nodes, {jobs} jobs, {seed}")  # noqa: S311 - a seed is wanted
    makes = _farm(random_, nodes)
    names = {platform: tuple(n for n, make in makes.items() if platform in make.platforms) for platform in PLATFORMS}
    found: list[Job] = []
    times: dict[Key, float] = {}
    warm: dict[Key, dict[str, float]] = {}
    target = 0
    base: str | None = None
    while len(found) < jobs:
        if target % 8 == 0:
            base = f"t{target}" if random_.random() < 0.6 else None
        recipe = random_.choices(RECIPES, [each.share for each in RECIPES])[0]
        name, seconds = f"t{target}", random_.uniform(*recipe.seconds)
        needs = base if base and base != name and random_.random() < 0.5 else None
        for platform in PLATFORMS[: jobs - len(found)]:
            key = Key(name, platform)
            found.append(
                Job(
                    key=key,
                    nodes=names[platform],
                    needs=(Key(needs, platform),) if needs else (),
                    memory=recipe.memory if random_.random() < 0.7 else None,
                )
            )
            times[key] = seconds * random_.uniform(0.8, 1.25)
            builders = random_.sample(names[platform], min(len(names[platform]), random_.choice((0, 1, 1, 2))))
            warm[key] = {node: random_.uniform(*recipe.warm) for node in builders}
        target += 1
    return Workload(
        jobs=tuple(found),
        seats={n: Seat(name=n, slots=make.slots, memory=make.memory) for n, make in makes.items()},
        factors={n: make.factor for n, make in makes.items()},
        times=times,
        warm=warm,
    )


def _farm(random_: random.Random, nodes: int) -> dict[str, Make]:
    """One board of each sort of platform first, so that every job has a node, then whatever people own."""
    makes = [MAKES[0], MAKES[2]]
    makes += random_.choices(MAKES, [make.share for make in MAKES], k=nodes - len(makes))
    return {f"n{number:04}": make for number, make in enumerate(makes)}
