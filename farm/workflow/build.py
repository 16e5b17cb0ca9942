"""`farm build`: probe, plan, build on each node, join, verify, report. One straight line."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from farm.build import collect, proxy_arguments
from farm.build.instance import keep_identity
from farm.build.platform_build import Place
from farm.errors import FarmError, InterruptedRunError
from farm.inventory import Inventory, Timeouts
from farm.plan import doubles, planner
from farm.plan.planner import Assignment, Plan
from farm.plan.policy import policy
from farm.platforms import Platform
from farm.registry import memory
from farm.registry.client import Client
from farm.report.events import Emit, Event, Planned, RunStarted, Warned
from farm.report.outcome import Outcome
from farm.report.power import PowerUse
from farm.report.report import Report
from farm.report.run_report import RunReport
from farm.sources import dockerfile, giturl, target
from farm.workflow import deliver, limits, lock, prepare, remedy, resume, verdict
from farm.workflow import journal as journals
from farm.workflow.bench import Bench
from farm.workflow.connections import Connections
from farm.workflow.destination import destination
from farm.workflow.join_builder import JoinBuilder, winners
from farm.workflow.journal import Journal
from farm.workflow.own_buildx import own_buildx
from farm.workflow.platform import build_platform
from farm.workflow.power import Switches
from farm.workflow.request import Request
from farm.workflow.run import Run, state_home
from farm.workflow.slots import Slots
from farm.workflow.stages import Stages
from farm.workflow.survey import select, surveyed
from farm.workflow.together import both, together


@dataclass(slots=True, kw_only=True)
class _Findings:
    """What the line has come to so far: an error must not lose what was there before it."""

    outcomes: Sequence[Outcome] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    power: Sequence[PowerUse] = ()
    absent: Sequence[Platform] = ()
    warnings: list[str] = field(default_factory=list)
    index: str | None = None
    output: str | None = None


async def build(request: Request, *, inventory: Inventory, run: Run, emit: Emit) -> RunReport:
    """Run the whole line; what goes wrong stands in the report's `error`, beside all that went well before it."""
    began = time.monotonic()
    findings = _Findings()

    def tell(event: Event) -> None:
        if isinstance(event, Warned):
            findings.warnings.append(event.message)
        emit(event)

    stages = Stages(tell)
    (spec,) = (target.spec for target in request.targets)
    context = giturl.without_login(spec.context)
    tell(RunStarted(run=run.id, logs=str(run.logs), target=", ".join(spec.tags) or context))
    if spec.output.type == "cacheonly":
        tell(Warned(message="no --tag and no --output: the result stays in the nodes' build caches"))
    error: FarmError | None = None
    with journals.opened(
        state_home() / "history.db", run=run.id, target=target.name(spec), references=spec.tags, emit=tell
    ) as journal:
        try:
            await _line(request, inventory, run, tell, stages, findings, journal)
        except FarmError as caught:
            error = caught
        except asyncio.CancelledError:
            # Only the end of the whole program is one of the run's; what is there until then is reported as always.
            error = InterruptedRunError(
                "interrupted", fix="build again; with --resume what was pushed is not built again"
            )
        report = Report(
            run=run.id,
            logs=str(run.logs),
            target=context,
            references=spec.tags if spec.output.type == "registry" else (),
            index=findings.index,
            output=findings.output,
            outcomes=tuple(findings.outcomes),
            stages=stages.seconds,
            seconds=time.monotonic() - began,
            missing=findings.missing,
            power=tuple(findings.power),
            absent=tuple(findings.absent) if error is None else (),
            warnings=tuple(findings.warnings),
            error=error,
        )
        journal.end(exit_code=report.exit_code, index=report.index, seconds=report.seconds)
    return RunReport(
        run=run.id,
        logs=str(run.logs),
        reports=(report,),
        seconds=report.seconds,
        missing=report.missing,
        power=report.power,
        warnings=report.warnings,
    )


async def _line(
    request: Request,
    inventory: Inventory,
    run: Run,
    emit: Emit,
    stages: Stages,
    findings: _Findings,
    journal: Journal,
) -> None:
    (spec,) = (target.spec for target in request.targets)
    nodes = select(inventory.nodes, request.only, request.excluded)
    to = destination(spec, inventory)
    for proxy in {inventory.proxy, *(node.proxy for node in nodes.values())}:
        proxy_arguments.check(spec, proxy)
    buildx = await asyncio.to_thread(own_buildx, inventory, run.buildx_config)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(
            lock.held(spec.tags, directory=state_home() / "locks", run=run.id, wait=request.wait, emit=emit)
        )
        client = await stack.enter_async_context(Client(inventory.registries, proxy=inventory.proxy))
        with stages.measured("probe"):
            survey, (source, _) = await both(
                stack.enter_async_context(surveyed(nodes, emit)),
                both(
                    prepare.fetch(spec, run.spool / "source", emit, proxy=inventory.proxy),
                    prepare.registries_answer(to.references, client),
                ),
            )
        apart = doubles.singled(nodes, survey.answers)
        for warning in apart.warnings:
            emit(Warned(message=warning))
        nodes, survey = apart.nodes, survey.of(apart.nodes)
        switches = Switches(nodes, logs=run.logs, emit=emit)
        switches.saw(survey.reached)
        findings.power = switches.uses
        await stack.enter_async_context(switches.put_back(survey.reached))
        if not spec.platforms:
            survey = await switches.wake_for((), survey)
        platforms = spec.platforms or planner.default_platforms(nodes, survey.answers, optional=request.allow_missing)
        with stages.measured("sources"):
            pins = await prepare.pinned(spec, source, platforms, client, inventory.registries, emit)
            made_of = await prepare.inputs(spec, source, platforms, pins)
            kept = await resume.kept(request.resume, to.references, made_of, journal, client, emit)
        wanted = [platform for platform in platforms if platform not in kept]
        if wanted:
            survey = await switches.wake_for(wanted, survey)
        plan = planner.plan(
            wanted,
            nodes,
            survey.answers,
            allow_emulation=request.allow_emulation,
            resting=journal.resting(),
            optional=request.allow_missing,
        )
        findings.missing = {answer.node: answer.error.what for answer in plan.missing}
        tell_plan(plan, emit)
        journal.begin()
        for config in (run.buildx_config, run.join_config):
            keep_identity(config, state_home())
        connections = Connections(nodes, survey.reached, run.runtime, switches.reach, emit)
        stack.push_async_callback(connections.close)
        join_builder = JoinBuilder(buildx, connections, config=run.join_config, log=run.logs / "join-builder.log")
        stack.push_async_callback(join_builder.close)
        folder = stack.enter_context(deliver.collecting(spec.output, run.spool))
        declared = dockerfile.declared(source.context.text)
        bench = Bench(
            run=run.id,
            buildx=buildx,
            spec=spec,
            place=Place(
                context=str(source.context.directory),
                dockerfile=str(source.context.dockerfile),
                config=run.buildx_config,
                pins=pins,
                repositories=to.repositories,
                insecure=to.insecure,
                collect=folder,
                shared_cache=to.shared_cache,
                proxy=proxy_arguments.handed(inventory.proxy, declared=declared, own=spec.build_args),
                tells_limits=await limits.are_told(nodes.values(), buildx, run.buildx_config, emit),
            ),
            logs=run.logs,
            emit=emit,
            policy=policy(inventory.retry, retries=request.retries),
            timeouts=Timeouts(
                silence=request.silence or inventory.timeouts.silence,
                build=request.timeout or inventory.timeouts.build,
            ),
            connections=connections,
            switches=switches,
            slots={name: Slots(node.slots) for name, node in nodes.items()},
            memory={name: found.facts.memory_total for name, found in survey.reached.items()},
            takes_jobs=remedy.takes_jobs(source.context.text),
            client=client,
            repository=to.repository,
            plain_http=to.plain_http,
            proxies={
                name: proxy_arguments.handed(node.proxy, declared=declared, own=spec.build_args)
                for name, node in nodes.items()
            },
            join_builder=join_builder,
            journal=journal,
            inputs=made_of,
            known=memory.load(_verified()),
        )
        if to.references and not kept:
            join_builder.begin(winners(plan.assignments))
        outcomes: list[Outcome] = [*resume.take_over(kept, bench)]
        findings.outcomes = outcomes

        async def build_one(assignment: Assignment) -> None:
            outcomes.append(await build_platform(assignment, bench))

        with stages.measured("build"):
            await together(build_one(assignment) for assignment in plan.assignments)
        findings.outcomes = verdict.in_order(outcomes, platforms)
        _remember(bench)
        found = verdict.publishable(findings.outcomes, platforms, allowed=request.allow_missing)
        findings.absent = found.absent
        if to.references:
            findings.index = await deliver.joined(
                found.built, to.references, bench, source, stages, absent=found.absent, is_resumed=bool(kept)
            )
        elif folder is not None:
            with stages.measured("collect"):
                findings.index = await collect.join(spec, folder, [outcome.platform for outcome in found.built])
            findings.output = spec.output.dest


def tell_plan(plan: Plan, emit: Emit) -> None:
    """Say who builds what and which nodes are away."""
    for assignment in plan.assignments:
        emit(
            Planned(
                platform=assignment.platform,
                node=assignment.node,
                standbys=assignment.standbys,
                reason=assignment.reason,
                emulated=assignment.emulated,
            )
        )


def _remember(bench: Bench) -> None:
    # Only saves time in the next run: a full disk here must not fail a build that went well.
    with contextlib.suppress(OSError):
        fresh = [checked for checked in bench.checked if checked.digest not in bench.known]
        if fresh:
            memory.store(_verified(), fresh)


def _verified() -> Path:
    return state_home() / "verified.json"
