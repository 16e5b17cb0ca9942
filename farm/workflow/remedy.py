"""What is done about a failure before the next try: a full disk is pruned, a hungry build does less at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from farm.build import prune as pruning
from farm.build.prune import Cache
from farm.errors import FarmError
from farm.platforms import Platform
from farm.report.events import Warned
from farm.sources import dockerfile
from farm.sources.spec import Spec
from farm.workflow.bench import Bench
from farm.workflow.tending import tended
from farm.workflow.watch import GivenUpError

JOBS = "FARM_JOBS"
"""The build argument that says how many jobs a step shall run at a time; farm gives it to files that declare it."""


def takes_jobs(text: str) -> bool:
    """Whether a Dockerfile lets its builder say how many jobs a step runs at a time."""
    return JOBS in dockerfile.declared(text)


def with_one_job(spec: Spec) -> Spec:
    """The same, with one job at a time."""
    others = [value for value in spec.build_args if value.partition("=")[0] != JOBS]
    return replace(spec, build_args=(*others, f"{JOBS}=1"))


async def prune(node: str, platforms: Sequence[Platform], bench: Bench) -> str:
    """Take the node's build cache away and say in words what came of it; that it cannot be done is no error."""
    words = await _pruned(node, platforms, bench)
    bench.emit(Warned(message=f"{node}: {words}"))
    return words


async def _pruned(node: str, platforms: Sequence[Platform], bench: Bench) -> str:
    # From now on the join would build there anew, also what is not this platform's.
    bench.obstacles.append(f"the build cache of {node} was pruned")

    async def find() -> Cache:
        return Cache(
            buildx=bench.buildx,
            config=bench.place.config,
            endpoint=await bench.connections.endpoint(node),
            platforms=platforms,
            log=bench.logs / f"{node}-prune.log",
        )

    try:
        result = await tended(pruning.prune, find, bench.connections)
    except GivenUpError as error:
        return f"its build cache could not be pruned: {error.diagnosis.reason}"
    except FarmError as error:
        return f"its build cache could not be pruned: {error.what}"
    return (
        f"its build cache was pruned, {result.freed} freed" if result.freed else "its build cache held nothing to prune"
    )
