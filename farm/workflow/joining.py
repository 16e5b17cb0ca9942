"""Tries at the join: by the nodes that built, or over the digests that they pushed. No tag of the user's moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from farm.build import join
from farm.build.failures import Diagnosis, Kind
from farm.build.join import Joined, NotJoined
from farm.build.run import Activity
from farm.errors import FarmError, JoinFailedError, UnreachableError
from farm.registry import reference
from farm.report.events import Warned
from farm.report.outcome import Built
from farm.retry import retrying
from farm.workflow.bench import Bench
from farm.workflow.join_builder import winners
from farm.workflow.prepare import Source, changed
from farm.workflow.watch import GivenUpError, watched


class JoinError(Exception):
    """One try at the join failed. It never leaves this module."""

    def __init__(self, result: NotJoined) -> None:
        super().__init__(result.diagnosis.reason)
        self.result = result


async def obstacle(built: Sequence[Built], bench: Bench, source: Source) -> str | None:
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


async def joined(built: Sequence[Built], bench: Bench, *, by_digest: bool) -> Joined:
    """The index of what was built, in every repository; `by_digest` asks no node. Raises JoinFailedError."""
    without_nodes = by_digest

    async def once() -> Joined:
        activity = Activity()
        if without_nodes:
            work, nodes = _by_digest(built, bench, activity), []
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
        if not isinstance(error, JoinError):
            return None
        kind = error.result.diagnosis.kind
        # The digests are in the registry already. To join them needs neither a node nor a tag, so that no refusal of
        # the nodes' join is the last word, and it is no repetition that `retry:` may forbid.
        is_other_way = not without_nodes and kind is not Kind.TRANSIENT
        if not is_other_way and (kind is Kind.REFUSED or tries >= bench.policy.attempts):
            return None
        bench.emit(Warned(message=f"join, try {tries}: {error.result.diagnosis.reason}; once more"))
        without_nodes = without_nodes or is_other_way
        return bench.policy.pause(tries)

    try:
        return await retrying(once, pause_after=pause_after)
    except JoinError as error:
        diagnosis = error.result.diagnosis
        raise JoinFailedError(
            f"every platform was built, but the index was not written: {diagnosis.reason}; nothing was tagged",
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


async def _by_digest(built: Sequence[Built], bench: Bench, activity: Activity) -> Joined | NotJoined:
    """Each repository holds its own copy of what was pushed, and gets the same index over the same digests."""
    repositories = bench.place.repositories
    found = await join.index_over(
        bench.buildx,
        bench.spec,
        config=bench.place.config,
        repository=repositories[0],
        digests=[outcome.pushed for outcome in built if outcome.pushed],
        plain_http=bench.plain_http,
        log=bench.logs / "join-by-digest.log",
        activity=activity,
    )
    if isinstance(found, NotJoined):
        return found
    try:
        for repository in repositories:
            place = reference.parse(f"{repository}@{found.digest}")
            await bench.client.put_manifest(place, found.raw, found.media_type)
    except FarmError as error:
        kind = Kind.TRANSIENT if isinstance(error, UnreachableError) else Kind.REFUSED
        return NotJoined(diagnosis=Diagnosis(kind=kind, reason=error.what, fix=error.fix))
    return Joined(index_digest=found.digest)
