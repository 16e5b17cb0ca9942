"""What a BuildKit that farm has not set up holds of a node's limits: those of each step, told with each build. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from farm import versions
from farm.inventory import Limits
from farm.nodes.engine.container.settings import shares

# The first that obey `--resource` (BuildKit, solver/pb/caps.go: exec.meta.linux.resources); older ones say nothing and
# take no notice. Docker Engine 29.6 has BuildKit 0.31 inside; a distribution's may not know its BuildKit's version.
_FIRST_BUILDKIT, _FIRST_DOCKER = (0, 31), (29, 6)
_PERIOD = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLimits:
    """`resources` are values of `buildx build --resource`, `unheld` the limits that nothing holds there."""

    resources: tuple[str, ...] = ()
    unheld: tuple[str, ...] = ()


def step_limits(limits: Limits, *, buildkit: str, docker: str | None = None, is_rootless: bool = False) -> StepLimits:
    """The limits as far as they can be told to the BuildKit of that version, inside the Docker Engine of that one.

    The cap on memory is each step's own: several steps at a time may take more together. A rootless BuildKit leaves
    them out (util/rootless/specconv).
    """
    told = {
        "memory": (f"memory={limits.memory}",) if limits.memory else (),
        "cpus": (f"cpu-period={_PERIOD}", f"cpu-quota={round(limits.cpus * _PERIOD)}") if limits.cpus else (),
        "nice": (f"cpu-shares={shares(limits.nice)}",) if limits.nice else (),
    }
    asked = [name for name, values in told.items() if values]
    never = [name for name, value in (("io", limits.io == "idle"), ("parallel", limits.parallel)) if value]
    if is_rootless or not _obeys(buildkit, docker):
        return StepLimits(unheld=(*asked, *never))
    return StepLimits(resources=tuple(value for name in asked for value in told[name]), unheld=tuple(never))


def _obeys(buildkit: str, docker: str | None) -> bool:
    unknown = (0, 0)
    return (versions.numbers(buildkit) or unknown) >= _FIRST_BUILDKIT or (
        versions.numbers(docker) or unknown
    ) >= _FIRST_DOCKER
