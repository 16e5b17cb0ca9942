"""What an earlier run built and pushed need not be built again, if it is the same and still there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from farm.history.records import Kept
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
    *,
    earlier: Mapping[Platform, Kept] = MappingProxyType({}),
) -> dict[Platform, tuple[str, Built]]:
    """The platforms that are there already, each with the run that built it.

    They are looked for in the `run` to resume ("" for the latest, None for none) and in what an `earlier` one kept.
    What cannot be used is told with the reason, and built. Raises UsageError for a run that cannot be resumed,
    UnreachableError where the registry does not say whether a digest is there.
    """
    there = dict(earlier)
    if run is not None:
        found = journal.resumable(run or None, [str(reference) for reference in references])
        if found is None or not found.kept:
            emit(Warned(message="nothing to go on with was found: building every platform"))
        else:
            there |= found.kept
    result: dict[Platform, tuple[str, Built]] = {}
    for platform, wanted in inputs.items():
        old = there.get(platform)
        if old is None:
            continue
        reasons = differences(Inputs(components=old.inputs), wanted) or await _gone(old.built, references, client)
        if reasons:
            emit(Warned(message=f"{platform} is built again: {', '.join(reasons)}"))
        else:
            result[platform] = old.run, replace(old.built, seconds=0.0, attempts=())
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
