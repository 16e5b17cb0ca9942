"""`farm build`: probe, plan, build on each node, join, verify, report. One straight line."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from farm.build import collect, locate
from farm.build.instance import keep_identity
from farm.build.platform_build import Place
from farm.errors import BuildFailedError, FarmError
from farm.inventory import Inventory
from farm.plan import planner
from farm.plan.planner import Plan
from farm.registry import memory, reference
from farm.registry.client import Client
from farm.report.events import Emit, Event, Planned, RunStarted, Warned
from farm.report.outcome import Built, Failed, Outcome
from farm.report.report import Report
from farm.workflow import deliver, prepare
from farm.workflow.connections import Connections
from farm.workflow.join_builder import JoinBuilder, winners
from farm.workflow.platform import Bench, build_platform
from farm.workflow.request import Request
from farm.workflow.run import Run, state_home
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
    try:
        await _line(request, inventory, run, tell, stages, findings)
    except FarmError as caught:
        error = caught
    return Report(
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
        warnings=tuple(findings.warnings),
        error=error,
    )


async def _line(
    request: Request, inventory: Inventory, run: Run, emit: Emit, stages: Stages, findings: _Findings
) -> None:
    spec = request.spec
    buildx = locate.buildx()
    nodes = select(inventory.nodes, request.only, request.excluded)
    references = [reference.parse(tag) for tag in spec.tags] if spec.output.type == "registry" else []
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(Client(inventory.registries))
        with stages.measured("probe"):
            survey, (source, _) = await both(
                stack.enter_async_context(surveyed(nodes, emit)),
                both(
                    prepare.fetch(spec, run.spool / "source", emit),
                    prepare.registries_answer(references, client),
                ),
            )
        plan = planner.plan(spec.platforms, nodes, survey.answers, allow_emulation=request.allow_emulation)
        findings.missing = {answer.node: answer.error.what for answer in plan.missing}
        tell_plan(plan, emit)
        platforms = [assignment.platform for assignment in plan.assignments]
        with stages.measured("sources"):
            pins = await prepare.pinned(spec, source, platforms, client, emit)
        for config in (run.buildx_config, run.join_config):
            keep_identity(config, state_home())
        connections = Connections(nodes, survey.reached, run.runtime)
        stack.push_async_callback(connections.close)
        join_builder = JoinBuilder(buildx, connections, config=run.join_config, log=run.logs / "join-builder.log")
        stack.push_async_callback(join_builder.close)
        folder = stack.enter_context(deliver.collecting(spec.output, run.spool))
        bench = Bench(
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
            ),
            logs=run.logs,
            emit=emit,
            retries=request.retries,
            connections=connections,
            slots={name: asyncio.Semaphore(node.slots) for name, node in nodes.items()},
            client=client,
            repository=references[0] if references else None,
            plain_http=tuple(domain for domain, registry in inventory.registries.items() if registry.http),
            join_builder=join_builder,
            known=memory.load(memory.default_path()),
        )
        if references:
            join_builder.begin(winners(plan.assignments))
        with stages.measured("build"):
            findings.outcomes = await together(build_platform(assignment, bench) for assignment in plan.assignments)
        _remember(bench)
        built = _all_built(findings.outcomes)
        if spec.output.type == "registry":
            findings.index = await deliver.joined(built, references, bench, source, stages)
        elif folder is not None:
            with stages.measured("collect"):
                findings.index = await collect.join(spec, folder, platforms)
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


def _is_http(domain: str, inventory: Inventory) -> bool:
    registry = inventory.registries.get(domain)
    return registry is not None and registry.http


def _all_built(outcomes: Sequence[Outcome]) -> list[Built]:
    failed = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
    for outcome in failed:
        if outcome.error is not None:
            raise outcome.error
    if failed:
        names = ", ".join(str(outcome.platform) for outcome in failed)
        raise BuildFailedError(
            f"not built: {names}; nothing was tagged",
            fix=next((outcome.fix for outcome in failed if outcome.fix), "read the log of the failed try"),
            details=_reasons(failed),
        )
    return [outcome for outcome in outcomes if isinstance(outcome, Built)]


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
