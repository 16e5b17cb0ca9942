"""From built platforms to one result: joined and pushed under every tag, or collected into a file or folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from farm.build import collect, join
from farm.build.failures import Diagnosis, Kind
from farm.build.join import Joined, NotJoined
from farm.build.run import Activity
from farm.errors import FarmError, JoinFailedError, VerificationError
from farm.platforms import Platform
from farm.registry import verify
from farm.registry.reference import Reference
from farm.report.events import Warned
from farm.report.outcome import Built
from farm.retry import retrying
from farm.sources.spec import Output
from farm.workflow.bench import Bench
from farm.workflow.join_builder import winners
from farm.workflow.prepare import Source, changed, if_unreachable
from farm.workflow.stages import Stages
from farm.workflow.watch import GivenUpError, watched

MISSING = "farm.missing-platforms"
"""The annotation of an index that was published without some of its platforms."""


class JoinError(Exception):
    """One try at the join failed. It never leaves this module."""

    def __init__(self, result: NotJoined) -> None:
        super().__init__(result.diagnosis.reason)
        self.result = result


async def joined(
    built: Sequence[Built],
    references: Sequence[Reference],
    bench: Bench,
    source: Source,
    stages: Stages,
    *,
    absent: Sequence[Platform] = (),
    is_resumed: bool = False,
) -> str:
    """Give every tag to one index over what the nodes pushed, read it back, and return its digest.

    The join asks the very nodes that built, and finds everything in their caches. Where one has gone meanwhile, or the
    folder has changed so that they would build anew, the index is written over the digests that are in the registry;
    so it is where the nodes turn out to have built anew all the same, and where a resumed run has not asked all nodes.
    Platforms that are `absent` are named in the index.

    Raises JoinFailedError, and VerificationError where the registry then holds something else.
    """
    expected = {outcome.platform: outcome.digest for outcome in built if outcome.digest}
    if absent:
        names = ",".join(str(platform) for platform in absent)
        annotations = (*bench.spec.annotations, f"index:{MISSING}={names}")
        bench = replace(bench, spec=replace(bench.spec, annotations=annotations))
    with stages.measured("join"):
        obstacle = "resumed" if is_resumed else await _obstacle(built, bench, source)
        if obstacle and not is_resumed:
            bench.emit(Warned(message=f"{obstacle}; joining what was built and pushed"))
        result = await _join(built, references, bench, by_digest=obstacle is not None)
        if result.reran:
            bench.emit(Warned(message=f"the join ran steps again: {', '.join(result.reran)}"))
    with stages.measured("verify"):
        try:
            return await _verified(bench, references, expected, result)
        except VerificationError:
            if obstacle or await _is_what_was_built(bench, references[0], expected, result):
                raise
    # A node's cache was emptied in between, and what it then made anew is not what was checked.
    bench.emit(Warned(message="the join made another image than the nodes had pushed; joining what was pushed"))
    with stages.measured("join"):
        result = await _join(built, references, bench, by_digest=True)
    with stages.measured("verify"):
        return await _verified(bench, references, expected, result)


async def _verified(
    bench: Bench, references: Sequence[Reference], expected: Mapping[Platform, str], result: Joined
) -> str:
    checked = await retrying(
        lambda: verify.index(bench.client, references, expected, result.index_digest), pause_after=if_unreachable
    )
    return checked.digest


async def _is_what_was_built(
    bench: Bench, reference: Reference, expected: Mapping[Platform, str], result: Joined
) -> bool:
    """Whether the join's own index is right, so that it is a tag that somebody else has moved meanwhile."""
    try:
        await _verified(bench, [reference.with_digest(result.index_digest)], expected, result)
    except VerificationError:
        return False
    return True


async def _obstacle(built: Sequence[Built], bench: Bench, source: Source) -> str | None:
    """Why the nodes themselves cannot join, in words."""
    if what := join.obstacle(bench.spec):
        return what
    if bench.obstacles:
        return bench.obstacles[0]
    if what := await changed(source):
        return f"the context changed during the build ({what})"
    for node in dict.fromkeys(outcome.node for outcome in built):
        if not await bench.connections.is_alive(node):
            return f"{node} is gone"
    return None


async def _join(built: Sequence[Built], references: Sequence[Reference], bench: Bench, *, by_digest: bool) -> Joined:
    without_nodes = by_digest

    async def once() -> Joined:
        activity = Activity()
        if without_nodes:
            work, nodes = _by_digest(built, references, bench, activity), []
        else:
            work, nodes = _by_nodes(built, bench, activity), [outcome.node for outcome in built]
        try:
            # A registry or a node that hangs would keep buildx here for ever.
            result = await watched(
                work,
                lost=bench.connections.until_any_lost(nodes),
                activity=activity,
                silence=bench.timeouts.silence,
                longest=None,
            )
        except GivenUpError as error:
            result = NotJoined(diagnosis=error.diagnosis)
        if isinstance(result, NotJoined):
            raise JoinError(result)
        return result

    def pause_after(error: Exception, tries: int) -> float | None:
        nonlocal without_nodes
        if not isinstance(error, JoinError) or tries >= bench.policy.attempts:
            return None
        kind = error.result.diagnosis.kind
        if kind is Kind.REFUSED:
            return None
        bench.emit(Warned(message=f"join, try {tries}: {error.result.diagnosis.reason}; once more"))
        # The digests are in the registry already: another try need not depend on a node again.
        without_nodes = without_nodes or kind is not Kind.TRANSIENT
        return bench.policy.pause(tries)

    try:
        return await retrying(once, pause_after=pause_after)
    except JoinError as error:
        diagnosis = error.result.diagnosis
        raise JoinFailedError(
            f"every platform was built, but the index was not written: {diagnosis.reason}",
            fix=diagnosis.fix or "look at the registry and build again: what is built is cached",
        ) from error


async def _by_nodes(built: Sequence[Built], bench: Bench, activity: Activity) -> Joined | NotJoined:
    try:
        builder = await bench.join_builder.made_for(winners(built))
    except FarmError as error:
        return NotJoined(diagnosis=Diagnosis(kind=Kind.NODE_LOST, reason=error.what, fix=error.fix))
    if isinstance(builder, NotJoined):
        return builder
    return await join.join(
        bench.buildx,
        bench.spec,
        replace(bench.place, config=bench.join_builder.config),
        builder=builder,
        platforms=[outcome.platform for outcome in built],
        log=bench.logs / "join.log",
        activity=activity,
    )


async def _by_digest(
    built: Sequence[Built], references: Sequence[Reference], bench: Bench, activity: Activity
) -> Joined | NotJoined:
    """Each repository holds its own copy of what was pushed, and the same index over the same digests."""
    result: Joined | NotJoined | None = None
    for repository in dict.fromkeys(reference.repository for reference in references):
        result = await join.join_by_digest(
            bench.buildx,
            bench.spec,
            config=bench.place.config,
            sources=[f"{repository}@{outcome.pushed}" for outcome in built],
            tags=[str(reference) for reference in references if reference.repository == repository],
            plain_http=bench.plain_http,
            log=bench.logs / "join-by-digest.log",
            activity=activity,
        )
        if isinstance(result, NotJoined):
            return result
    assert result is not None
    return result


@contextlib.contextmanager
def collecting(output: Output, spool: Path) -> Iterator[Path | None]:
    """A folder for what the nodes send back; None where nothing is to be collected."""
    if output.type in ("oci", "local"):
        with collect.folder(output, spool) as folder:
            yield folder
    else:
        yield None
