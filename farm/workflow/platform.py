"""One platform from its first try to its outcome: tries, pauses, standbys, and the check in the registry."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from farm.build import platform_build
from farm.build.failures import Diagnosis, Kind, classify
from farm.build.locate import Buildx
from farm.build.platform_build import Place, Try
from farm.errors import FarmError
from farm.plan.failover import Again, decide
from farm.plan.planner import Assignment
from farm.platforms import Platform
from farm.registry import manifests, verify
from farm.registry.client import Client
from farm.registry.reference import Reference
from farm.registry.verify import Checked
from farm.report.events import AttemptFailed, BuildFinished, BuildStarted, Emit
from farm.report.outcome import Attempt, Built, Failed, Outcome
from farm.retry import retrying
from farm.sources.spec import Spec
from farm.workflow.connections import Connections
from farm.workflow.join_builder import JoinBuilder
from farm.workflow.prepare import if_unreachable

# Seconds that buildx gets to end by itself once its node is known to be lost.
LAST_WORDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What all platforms of a run share. `known` are earlier checks by digest, `checked` this run's;
    `plain_http` names the registries without TLS.
    """

    buildx: Buildx
    spec: Spec
    place: Place
    logs: Path
    emit: Emit
    retries: int
    connections: Connections
    slots: Mapping[str, asyncio.Semaphore]
    client: Client
    repository: Reference | None
    plain_http: tuple[str, ...]
    join_builder: JoinBuilder
    known: Mapping[str, Checked]
    checked: list[Checked] = field(default_factory=list)


class TryFailedError(Exception):
    """One try failed; the diagnosis says why. It never leaves this module."""

    def __init__(self, diagnosis: Diagnosis, output: tuple[str, ...] = ()) -> None:
        super().__init__(diagnosis.reason)
        self.diagnosis = diagnosis
        self.output = output


async def build_platform(assignment: Assignment, bench: Bench) -> Outcome:
    """Build until it is there and checked in the registry, or until no further try makes sense."""
    attempts: list[Attempt] = []
    began: float | None = None
    node = assignment.node
    standbys = list(assignment.standbys)
    last: Diagnosis | None = None

    async def one() -> Built:
        nonlocal began
        async with bench.slots[node]:
            tried_at = time.monotonic()
            # Waiting for a slot is not the platform's own time: the next run's estimate would learn nonsense.
            began = tried_at if began is None else began
            number = len(attempts) + 1
            bench.emit(BuildStarted(node=node, platform=assignment.platform, attempt=number))
            try:
                return await _try(assignment, node, number, bench, tuple(attempts), began)
            except TryFailedError as error:
                diagnosis = error.diagnosis
                seconds = time.monotonic() - tried_at
                attempts.append(Attempt(node=node, kind=diagnosis.kind, reason=diagnosis.reason, seconds=seconds))
                raise

    def pause_after(error: Exception, _tries: int) -> float | None:
        nonlocal node, last
        if not isinstance(error, TryFailedError):
            return None
        last = error.diagnosis
        move = decide(attempts, standbys=standbys, retries=bench.retries)
        bench.emit(
            AttemptFailed(
                node=node,
                platform=assignment.platform,
                attempt=len(attempts),
                kind=last.kind,
                reason=last.reason,
                next=move.why,
            )
        )
        if not isinstance(move, Again):
            return None
        node = move.node
        if node in standbys:
            standbys.remove(node)
        return move.pause

    try:
        return await retrying(one, pause_after=pause_after)
    except TryFailedError as error:
        fix, output, cause = error.diagnosis.fix, error.output, None
    except FarmError as error:
        # One platform's bad end must not take the others' work along.
        fix, output, cause = error.fix, (), error
    return Failed(
        platform=assignment.platform,
        attempts=tuple(attempts),
        seconds=time.monotonic() - (began or time.monotonic()),
        fix=fix,
        output=output,
        error=cause,
    )


async def _try(
    assignment: Assignment, node: str, number: int, bench: Bench, earlier: tuple[Attempt, ...], began: float
) -> Built:
    tried_at = time.monotonic()
    try:
        endpoint = await bench.connections.endpoint(node)
    except FarmError as error:
        # Whatever keeps this node away, another one may be there: for the run it is lost.
        raise TryFailedError(Diagnosis(kind=Kind.NODE_LOST, reason=error.what, fix=error.fix)) from error
    log = bench.logs / f"{node}-{assignment.platform.slug}-{number}.log"
    tried = await _watched(
        platform_build.build(
            bench.buildx,
            bench.spec,
            bench.place,
            endpoint=endpoint,
            platform=assignment.platform,
            log=log,
            emit=bench.emit,
        ),
        bench.connections.until_lost(node),
    )
    if tried.evidence is not None:
        alive = await bench.connections.is_alive(node)
        diagnosis = classify(replace(tried.evidence, is_socket_alive=alive))
        raise TryFailedError(diagnosis, tried.evidence.step_lines)
    digest, checked = await _checked(assignment.platform, tried, bench)
    seconds = time.monotonic() - tried_at
    built = Built(
        platform=assignment.platform,
        node=node,
        engine=f"{endpoint.engine} {endpoint.version}",
        digest=digest,
        pushed=tried.pushed.digest if tried.pushed else None,
        attempts=(*earlier, Attempt(node=node, kind=None, reason="built", seconds=seconds)),
        seconds=time.monotonic() - began,
        cached=tried.cached,
        total=tried.total,
        sent=tried.sent,
        emulated=assignment.emulated,
        program=f"{checked.program} ({checked.elf})" if checked and checked.program else None,
    )
    bench.emit(
        BuildFinished(
            node=node,
            platform=assignment.platform,
            digest=digest,
            seconds=built.seconds,
            cached=built.cached,
            total=built.total,
        )
    )
    return built


async def _watched(build: Coroutine[Any, Any, Try], lost: Coroutine[Any, Any, str]) -> Try:
    """Build until it ends or the node is lost; buildx itself would wait for a frozen node for ever."""
    work, watch = asyncio.create_task(build), asyncio.create_task(lost)
    try:
        await asyncio.wait((work, watch), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            # With its socket gone buildx mostly notices by itself, and says more than a cancelled one can.
            await asyncio.wait((work,), timeout=LAST_WORDS)
        if not work.done():
            raise TryFailedError(Diagnosis(kind=Kind.NODE_LOST, reason=watch.result()))
        return await work
    finally:
        for task in (work, watch):
            task.cancel()
        await asyncio.gather(work, watch, return_exceptions=True)


async def _checked(platform: Platform, tried: Try, bench: Bench) -> tuple[str | None, Checked | None]:
    """Look at what the node pushed: the image manifest's digest, and that it is an image for this platform."""
    if tried.pushed is None or bench.repository is None:
        return None, None
    pushed = bench.repository.with_digest(tried.pushed.digest)
    repository = bench.repository

    async def look() -> Checked:
        manifest = await bench.client.manifest(pushed)
        entry = manifests.image_entry(manifest.raw, platform)
        return await verify.image(bench.client, repository, platform, entry.digest, bench.known)

    checked = await retrying(look, pause_after=if_unreachable)
    bench.checked.append(checked)
    return checked.digest, checked
