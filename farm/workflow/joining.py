"""Tries at the join: by the nodes that built, or over the digests that they pushed. No tag of the user's moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from farm.build import join
from farm.build.failures import Diagnosis, Kind
from farm.build.join import Joined, NotJoined
from farm.build.run import Activity
from farm.errors import FarmError, JoinFailedError
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
    """Each repository holds its own copy of what was pushed, and the same index over the same digests."""
    result: Joined | NotJoined | None = None
    for repository in bench.place.repositories:
        result = await join.join_by_digest(
            bench.buildx,
            bench.spec,
            config=bench.place.config,
            repository=repository,
            digests=[outcome.pushed for outcome in built if outcome.pushed],
            plain_http=bench.plain_http,
            log=bench.logs / "join-by-digest.log",
            activity=activity,
        )
        if isinstance(result, NotJoined):
            return result
    assert result is not None
    return result
