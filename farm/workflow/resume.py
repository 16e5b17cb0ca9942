"""`--resume`: what an earlier run built and pushed need not be built again, if it is the same and still there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from farm.platforms import Platform
from farm.registry.client import Client, NotThereError
from farm.registry.reference import Reference
from farm.report.events import Emit, Reused, Warned
from farm.report.outcome import Built
from farm.retry import retrying
from farm.sources.inputs import Inputs, differences
from farm.workflow.bench import Bench
from farm.workflow.journal import Journal
from farm.workflow.prepare import if_unreachable


async def kept(
    run: str | None,
    references: Sequence[Reference],
    inputs: Mapping[Platform, Inputs],
    journal: Journal,
    client: Client,
    emit: Emit,
) -> dict[Platform, tuple[str, Built]]:
    """The platforms that are there already, each with the run that built it.

    What cannot be used is told with the reason, and built. Raises UsageError for a run that cannot be resumed,
    UnreachableError where the registry does not say whether a digest is there.
    """
    if run is None:
        return {}
    found = journal.resumable(run or None, [str(reference) for reference in references])
    if found is None or not found.kept:
        emit(Warned(message="nothing to go on with was found: building every platform"))
        return {}
    result: dict[Platform, tuple[str, Built]] = {}
    for platform, wanted in inputs.items():
        earlier = found.kept.get(platform)
        if earlier is None:
            continue
        reasons = differences(Inputs(components=earlier.inputs), wanted) or await _gone(
            earlier.built, references, client
        )
        if reasons:
            emit(Warned(message=f"{platform} is built again: {', '.join(reasons)}"))
        else:
            result[platform] = earlier.run, replace(earlier.built, seconds=0.0, attempts=())
    return result


async def _gone(built: Built, references: Sequence[Reference], client: Client) -> tuple[str, ...]:
    """Why what was pushed cannot be joined any more, in words; every repository must have it."""
    if built.pushed is None or built.digest is None:
        return ("it was not pushed",)
    for reference in {reference.repository: reference for reference in references}.values():
        for digest in (built.pushed, built.digest):
            place = replace(reference, tag=None).with_digest(digest)
            try:
                await retrying(partial(client.manifest, place), pause_after=if_unreachable)
            except NotThereError:
                return (f"{place} is no longer in the registry",)
    return ()


def take_over(kept: Mapping[Platform, tuple[str, Built]], bench: Bench) -> list[Built]:
    """Make what an earlier run built a part of this one, so that a later one can go on from here."""
    for run, built in kept.values():
        bench.journal.finished(built, bench.inputs[built.platform], reused_from=run)
        bench.emit(Reused(node=built.node, platform=built.platform, run=run, digest=built.digest))
    return [built for _, built in kept.values()]
