"""One try at one platform on one node: reach it, take its slot, build under watch. Then: look at what it pushed."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from farm.build import platform_build
from farm.build.failures import Diagnosis, Kind, classify
from farm.build.platform_build import Try
from farm.build.run import Activity
from farm.errors import BusyError, FarmError, RefusedError, VerificationError
from farm.nodes.engine.endpoint import Endpoint
from farm.platforms import Platform
from farm.registry import manifests, verify
from farm.registry.client import NotThereError
from farm.registry.verify import Checked
from farm.report.events import Warned
from farm.report.outcome import log_name
from farm.retry import retrying
from farm.workflow.bench import Bench
from farm.workflow.prepare import if_unreachable
from farm.workflow.watch import GivenUpError, limit, watched
from farm.workflow.whereabouts import Whereabouts

# Somebody else's build on the only node for a platform is waited for: it ends, or its own watch ends it.
LEASE_WAIT = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Success:
    """What a try came to."""

    endpoint: Endpoint
    tried: Try


class TryFailedError(Exception):
    """One try failed; the diagnosis says why, `output` is what the failed step printed last.

    `is_turned_away`: the node itself let farm in no more.
    """

    def __init__(self, diagnosis: Diagnosis, output: tuple[str, ...] = (), *, is_turned_away: bool = False) -> None:
        super().__init__(diagnosis.reason)
        self.diagnosis = diagnosis
        self.output = output
        self.is_turned_away = is_turned_away


async def once(
    platform: Platform, node: str, number: int, bench: Bench, whereabouts: Whereabouts, *, may_wait: bool
) -> Success:
    """Try once; `number` counts the platform's tries from 1, `may_wait` allows to wait for other coordinators.

    `whereabouts` hears as soon as the node is lost, or needed no more. Raises TryFailedError.
    """
    async with _leased(platform, node, bench, whereabouts, may_wait=may_wait) as endpoint:
        activity = Activity()
        try:
            tried = await watched(
                platform_build.build(
                    bench.buildx,
                    bench.spec,
                    replace(bench.place, proxy=bench.proxies[node]),
                    endpoint=endpoint,
                    platform=platform,
                    log=bench.logs / log_name(node, platform, number),
                    emit=bench.emit,
                    activity=activity,
                ),
                lost=bench.connections.until_lost(node),
                activity=activity,
                silence=bench.timeouts.silence,
                longest=limit(bench.timeouts.build, bench.journal.usual(platform, node)),
            )
        except GivenUpError as error:
            raise _failure(error.diagnosis, node, whereabouts) from error
        if tried.evidence is not None:
            alive = await bench.connections.is_alive(node)
            diagnosis = classify(replace(tried.evidence, is_socket_alive=alive))
            raise _failure(diagnosis, node, whereabouts, output=tried.evidence.step_lines)
    return Success(endpoint=endpoint, tried=tried)


@contextlib.asynccontextmanager
async def _leased(
    platform: Platform, node: str, bench: Bench, whereabouts: Whereabouts, *, may_wait: bool
) -> AsyncIterator[Endpoint]:
    """The node's endpoint, with one of its slots for as long as the block runs."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            endpoint = await bench.connections.endpoint(node, platform)
            await stack.enter_async_context(
                bench.connections.leased(
                    node,
                    holder=f"run {bench.run}",
                    wait=LEASE_WAIT if may_wait else None,
                    is_wanted=lambda: whereabouts.leaves() or bench.slots[node].are_wanted,
                    emit=bench.emit,
                )
            )
        except BusyError as error:
            raise TryFailedError(Diagnosis(kind=Kind.BUSY, reason=error.what, fix=error.fix)) from error
        except FarmError as error:
            # Whatever keeps this node away, another one may be there: for the run it is lost. With no other left, a
            # refusal (a changed host key, a key no longer let in) is the answer, which asking again does not change.
            is_turned_away = isinstance(error, RefusedError)
            kind = Kind.REFUSED if may_wait and is_turned_away else Kind.NODE_LOST
            diagnosis = Diagnosis(kind=kind, reason=error.what, fix=error.fix)
            raise _failure(diagnosis, node, whereabouts, is_turned_away=is_turned_away) from error
        yield endpoint


def _failure(
    diagnosis: Diagnosis,
    node: str,
    whereabouts: Whereabouts,
    *,
    output: tuple[str, ...] = (),
    is_turned_away: bool = False,
) -> TryFailedError:
    """The error to raise. A lost node is told before its slot is free: the next job would go there, and be lost."""
    if diagnosis.kind is Kind.NODE_LOST:
        whereabouts.loses(node)
    return TryFailedError(diagnosis, output, is_turned_away=is_turned_away)


async def checked(platform: Platform, tried: Try, bench: Bench) -> Checked | None:
    """Look at what the node pushed: the image manifest's digest, and that it is an image for this platform.

    None where nothing was pushed. Raises FarmError where it is wrong or cannot be looked at.
    """
    if tried.pushed is None or bench.repository is None:
        return None
    repository = bench.repository
    pushed = repository.with_digest(tried.pushed)

    async def look() -> Checked:
        try:
            manifest = await bench.client.manifest(pushed)
        except NotThereError as error:
            raise VerificationError(
                f"{platform}: the registry took what was pushed and does not have it ({error.what})",
                fix="look at the registry: its log, its disk, and what cleans up in it",
            ) from error
        entry = manifests.image_entry(manifest.raw, platform)
        return await verify.image(bench.client, repository, platform, entry.digest, bench.known)

    found = await retrying(look, pause_after=if_unreachable)
    bench.checked.append(found)
    if found.doubt:
        bench.emit(Warned(message=f"{platform}: for which machine its programs are made was not seen: {found.doubt}"))
    return found
