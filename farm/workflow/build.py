"""`farm build`: probe, plan, build on each node, join, verify, report. One straight line."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from farm.build import collect, locate, shared_cache
from farm.build.instance import keep_identity
from farm.build.platform_build import Place
from farm.errors import BuildFailedError, FarmError, UsageError
from farm.inventory import Inventory, Timeouts
from farm.plan import planner
from farm.plan.planner import Plan
from farm.plan.policy import policy
from farm.platforms import Platform
from farm.registry import memory, reference
from farm.registry.client import Client
from farm.registry.reference import Reference
from farm.report.events import Emit, Event, Planned, RunStarted, Warned
from farm.report.outcome import Built, Failed, Outcome
from farm.report.report import Report
from farm.sources import target
from farm.sources.spec import Spec
from farm.workflow import deliver, lock, prepare, remedy, resume
from farm.workflow import journal as journals
from farm.workflow.bench import Bench
from farm.workflow.connections import Connections
from farm.workflow.join_builder import JoinBuilder, winners
from farm.workflow.journal import Journal
from farm.workflow.platform import build_platform
from farm.workflow.request import Request
from farm.workflow.run import Run, state_home
from farm.workflow.slots import Slots
from farm.workflow.stages import Stages
from farm.workflow.survey import select, surveyed
from farm.workflow.together import both, together

# Of a failed step's output, enough to see the compiler's complaint; the log has it all.
LAST_LINES = 8


@dataclass(slots=True, kw_only=True)
class _Findings:
    """What the line has come to so far: an error must not lose what was there before it."""

    outcomes: Sequence[Outcome] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    absent: Sequence[Platform] = ()
    warnings: list[str] = field(default_factory=list)
    index: str | None = None
    output: str | None = None


async def build(request: Request, *, inventory: Inventory, run: Run, emit: Emit) -> Report:
    """Run the whole line; what goes wrong stands in the report's `error`, beside all that went well before it."""
    began = time.monotonic()
    findings = _Findings()

    def tell(event: Event) -> None:
        if isinstance(event, Warned):
            findings.warnings.append(event.message)
        emit(event)

    stages = Stages(tell)
    spec = request.spec
    tell(RunStarted(run=run.id, logs=str(run.logs), target=", ".join(spec.tags) or spec.context))
    if spec.output.type == "cacheonly":
        tell(Warned(message="no --tag and no --output: the result stays in the nodes' build caches"))
    error = None
    with journals.opened(
        state_home() / "history.db", run=run.id, target=target.name(spec), references=spec.tags, emit=tell
    ) as journal:
        try:
            await _line(request, inventory, run, tell, stages, findings, journal)
        except FarmError as caught:
            error = caught
        report = Report(
            run=run.id,
            logs=str(run.logs),
            target=spec.context,
            references=spec.tags if spec.output.type == "registry" else (),
            index=findings.index,
            output=findings.output,
            outcomes=tuple(findings.outcomes),
            stages=stages.seconds,
            seconds=time.monotonic() - began,
            missing=findings.missing,
            absent=tuple(findings.absent) if error is None else (),
            warnings=tuple(findings.warnings),
            error=error,
        )
        journal.end(exit_code=report.exit_code, index=report.index, seconds=report.seconds)
    return report


async def _line(
    request: Request,
    inventory: Inventory,
    run: Run,
    emit: Emit,
    stages: Stages,
    findings: _Findings,
    journal: Journal,
) -> None:
    spec = request.spec
    buildx = locate.buildx()
    nodes = select(inventory.nodes, request.only, request.excluded)
    references = _references(spec, inventory)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(
            lock.held(spec.tags, directory=state_home() / "locks", run=run.id, wait=request.wait, emit=emit)
        )
        client = await stack.enter_async_context(Client(inventory.registries))
        with stages.measured("probe"):
            survey, (source, _) = await both(
                stack.enter_async_context(surveyed(nodes, emit)),
                both(
                    prepare.fetch(spec, run.spool / "source", emit),
                    prepare.registries_answer(references, client),
                ),
            )
        platforms = spec.platforms or planner.default_platforms(nodes, survey.answers)
        with stages.measured("sources"):
            pins = await prepare.pinned(spec, source, platforms, client, emit)
            made_of = await prepare.inputs(spec, source, platforms, pins)
            kept = await resume.kept(request.resume, references, made_of, journal, client, emit)
        plan = planner.plan(
            [platform for platform in platforms if platform not in kept],
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
        connections = Connections(nodes, survey.reached, run.runtime)
        stack.push_async_callback(connections.close)
        join_builder = JoinBuilder(buildx, connections, config=run.join_config, log=run.logs / "join-builder.log")
        stack.push_async_callback(join_builder.close)
        folder = stack.enter_context(deliver.collecting(spec.output, run.spool))
        bench = Bench(
            run=run.id,
            buildx=buildx,
            spec=spec,
            place=Place(
                context=str(source.context.directory),
                dockerfile=str(source.context.dockerfile),
                config=run.buildx_config,
                pins=pins,
                repositories=tuple(dict.fromkeys(ref.repository for ref in references)),
                insecure=any(_is_http(ref.domain, inventory) for ref in references),
                collect=folder,
                shared_cache=_shared_cache(spec, references, inventory),
            ),
            logs=run.logs,
            emit=emit,
            policy=policy(inventory.retry, retries=request.retries),
            timeouts=Timeouts(
                silence=request.silence or inventory.timeouts.silence,
                build=request.timeout or inventory.timeouts.build,
            ),
            connections=connections,
            slots={name: Slots(node.slots) for name, node in nodes.items()},
            memory={name: found.facts.memory_total for name, found in survey.reached.items()},
            takes_jobs=remedy.takes_jobs(source.context.text),
            client=client,
            repository=references[0] if references else None,
            plain_http=tuple(domain for domain, registry in inventory.registries.items() if registry.http),
            join_builder=join_builder,
            journal=journal,
            inputs=made_of,
            known=memory.load(memory.default_path()),
        )
        if references and not kept:
            join_builder.begin(winners(plan.assignments))
        taken = resume.take_over(kept, bench)
        with stages.measured("build"):
            outcomes = await together(build_platform(assignment, bench) for assignment in plan.assignments)
        findings.outcomes = _in_order(platforms, [*outcomes, *taken])
        _remember(bench)
        built, findings.absent = _sorted_out(findings.outcomes, platforms, request.allow_missing)
        if spec.output.type == "registry":
            findings.index = await deliver.joined(
                built, references, bench, source, stages, absent=findings.absent, is_resumed=bool(kept)
            )
        elif folder is not None:
            with stages.measured("collect"):
                findings.index = await collect.join(spec, folder, [outcome.platform for outcome in built])
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


def _references(spec: Spec, inventory: Inventory) -> list[Reference]:
    """The tags to push. Raises UsageError where they cannot be pushed together."""
    if spec.output.type != "registry":
        return []
    references = [reference.parse(tag) for tag in spec.tags]
    if len({_is_http(found.domain, inventory) for found in references}) > 1:
        # buildx has one switch for a whole push, which would drop the TLS of the other registry too.
        raise UsageError(
            "one push cannot go to a registry with plain HTTP and to one with TLS",
            fix="run farm once for each: the second time everything is cached",
        )
    return references


def _shared_cache(spec: Spec, references: Sequence[Reference], inventory: Inventory) -> str | None:
    """The cache that the inventory asks for; none for what is not pushed, or where the user names caches."""
    if not inventory.cache or not references or spec.cache_from or spec.cache_to:
        return None
    repository = inventory.cache if isinstance(inventory.cache, str) else None
    place = shared_cache.place(repository, references[0], target=spec.target)
    return shared_cache.value(place, http=_is_http(place.domain, inventory))


def _is_http(domain: str, inventory: Inventory) -> bool:
    registry = inventory.registries.get(domain)
    return registry is not None and registry.http


def _in_order(platforms: Sequence[Platform], outcomes: Sequence[Outcome]) -> list[Outcome]:
    return sorted(outcomes, key=lambda outcome: platforms.index(outcome.platform))


def _sorted_out(
    outcomes: Sequence[Outcome], platforms: Sequence[Platform], allowed: Sequence[Platform]
) -> tuple[list[Built], list[Platform]]:
    """What there is to publish, and the platforms that may be left out and are.

    Raises BuildFailedError, or the error of a platform whose image is wrong, where a platform is not there that must.
    """
    built = [outcome for outcome in outcomes if isinstance(outcome, Built)]
    failed = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
    absent = [platform for platform in platforms if platform not in {outcome.platform for outcome in built}]
    if built and all(platform in allowed for platform in absent):
        return built, absent
    for outcome in failed:
        if outcome.error is not None:
            raise outcome.error
    raise BuildFailedError(
        f"not built: {', '.join(str(platform) for platform in absent)}; nothing was tagged",
        fix=next((outcome.fix for outcome in failed if outcome.fix), "read the log of the failed try"),
        details=_reasons(failed),
    )


def _reasons(failed: Sequence[Failed]) -> tuple[str, ...]:
    """Each reason once, with the platforms that it holds for and the last words of the step that failed."""
    platforms: dict[str, list[Failed]] = {}
    for outcome in failed:
        platforms.setdefault(outcome.attempts[-1].reason, []).append(outcome)
    lines: list[str] = []
    for reason, outcomes in platforms.items():
        lines.append(f"{', '.join(str(outcome.platform) for outcome in outcomes)}: {reason}")
        lines += [f"  | {line}" for line in outcomes[0].output[-LAST_LINES:]]
    return tuple(lines)


def _remember(bench: Bench) -> None:
    # Only saves time in the next run: a full disk here must not fail a build that went well.
    with contextlib.suppress(OSError):
        fresh = [checked for checked in bench.checked if checked.digest not in bench.known]
        if fresh:
            memory.store(memory.default_path(), fresh)
