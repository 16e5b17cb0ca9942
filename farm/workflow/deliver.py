"""From built platforms to one result: joined, checked and tagged, or collected into a file or folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from farm.build import collect, join
from farm.build.join import Joined
from farm.errors import VerificationError
from farm.platforms import Platform
from farm.registry import verify
from farm.registry.client import Manifest
from farm.registry.reference import Reference
from farm.report.events import Warned
from farm.report.outcome import Built
from farm.retry import retrying
from farm.sources.spec import Output
from farm.workflow import joining
from farm.workflow.bench import Bench
from farm.workflow.prepare import Source, if_unreachable
from farm.workflow.publish import publish
from farm.workflow.stages import Stages
from farm.workflow.unchanged import stands_already

MISSING = "farm.missing-platforms"
"""The annotation of an index that was published without some of its platforms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The digest that the tags stand for, and whether they did so before."""

    index: str
    unchanged: bool


async def joined(
    built: Sequence[Built],
    references: Sequence[Reference],
    bench: Bench,
    source: Source,
    stages: Stages,
    *,
    absent: Sequence[Platform] = (),
    is_resumed: bool = False,
    moves_identical: bool = True,
) -> Delivered:
    """Join what the nodes pushed into one index, check it in the registry, and let every tag stand for it.

    The join asks the very nodes that built, and finds everything in their caches. Where one has gone meanwhile, or the
    folder has changed so that they would build anew, the index is written over the digests that are in the registry;
    so it is where the nodes turn out to have built anew all the same, and where a resumed run has not asked all nodes.
    Platforms that are `absent` are named in the index. No tag moves before the index is right, and without
    `moves_identical` none does where all stand for the same already, but for timestamps.

    Raises JoinFailedError, and VerificationError where the registry then holds something else.
    """
    if absent:
        names = ",".join(str(platform) for platform in absent)
        annotations = (*bench.spec.annotations, f"index:{MISSING}={names}")
        bench = replace(bench, spec=replace(bench.spec, annotations=annotations))
    with stages.measured("join"):
        obstacle = "resumed" if is_resumed else await joining.obstacle(built, bench, source)
        # For a resumed run and for a target that uses others it is the way, not a way out.
        if obstacle and not is_resumed and not join.is_by_digest(bench.spec):
            bench.emit(Warned(message=f"{obstacle}; joining what was built and pushed"))
        result = await joining.joined(built, bench, by_digest=obstacle is not None)
        if result.reran:
            bench.emit(Warned(message=f"the join ran steps again: {', '.join(result.reran)}"))
    with stages.measured("verify"):
        index = await _checked(built, references, bench, result, may_differ=obstacle is None)
    if index is None:
        # A node's cache was emptied in between, and what it then made anew is not what was checked.
        bench.emit(Warned(message="the join made another image than the nodes had pushed; joining what was pushed"))
        with stages.measured("join"):
            result = await joining.joined(built, bench, by_digest=True)
        with stages.measured("verify"):
            index = await _checked(built, references, bench, result)
        assert index is not None
    with stages.measured("tag"):
        kept = None if moves_identical else await stands_already(references, index, bench.client)
        if kept is None:
            await publish(references, index, bench)
    return Delivered(index=kept or index.digest, unchanged=kept is not None)


async def _checked(
    built: Sequence[Built], references: Sequence[Reference], bench: Bench, result: Joined, *, may_differ: bool = False
) -> Manifest | None:
    """The index as every repository has it. One that is not right is None where it `may_differ`, else an error."""
    expected = {outcome.platform: outcome.digest for outcome in built if outcome.digest}
    repositories = list({reference.repository: reference for reference in references}.values())
    try:
        return await retrying(
            lambda: verify.index(bench.client, repositories, expected, result.index_digest), pause_after=if_unreachable
        )
    except VerificationError:
        if not may_differ:
            raise
        return None


@contextlib.contextmanager
def collecting(output: Output, spool: Path) -> Iterator[Path | None]:
    """A folder for what the nodes send back; None where nothing is to be collected."""
    if output.type in ("oci", "local"):
        with collect.folder(output, spool) as folder:
            yield folder
    else:
        yield None
