"""What is done about a failure before the next try: a full disk is pruned, a hungry build does less at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from farm.build import prune as pruning
from farm.build.failures import Diagnosis, Kind
from farm.build.prune import Pruned
from farm.build.run import Activity
from farm.errors import FarmError
from farm.platforms import Platform
from farm.report.events import Warned
from farm.retry import back_off, retrying
from farm.sources import dockerfile
from farm.sources.spec import Spec
from farm.workflow.bench import Bench
from farm.workflow.watch import GivenUpError, watched

JOBS = "FARM_JOBS"
"""The build argument that says how many jobs a step shall run at a time; farm gives it to files that declare it."""
# Removing some ten thousand small files from an SD card takes minutes.
_LONGEST_PRUNE = 10 * 60.0


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

    async def once() -> Pruned:
        activity = Activity()
        result = await watched(
            pruning.prune(
                bench.buildx,
                config=bench.place.config,
                endpoint=await bench.connections.endpoint(node),
                platforms=platforms,
                log=bench.logs / f"{node}-prune.log",
                activity=activity,
            ),
            lost=bench.connections.until_lost(node),
            activity=activity,
            silence=_LONGEST_PRUNE,
            longest=_LONGEST_PRUNE,
        )
        if isinstance(result, Diagnosis):
            raise GivenUpError(result)
        return result

    try:
        result = await retrying(once, pause_after=_while_full)
    except GivenUpError as error:
        return f"its build cache could not be pruned: {error.diagnosis.reason}"
    except FarmError as error:
        return f"its build cache could not be pruned: {error.what}"
    return (
        f"its build cache was pruned, {result.freed} freed" if result.freed else "its build cache held nothing to prune"
    )


def _while_full(error: Exception, tries: int) -> float | None:
    """BuildKit cannot even note what it deletes on a disk without a byte left; what the failed step wrote goes soon."""
    is_full = isinstance(error, GivenUpError) and error.diagnosis.kind is Kind.OUT_OF_DISK
    return back_off(tries, first=1.0) if is_full and tries < 3 else None
