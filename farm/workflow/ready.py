"""All that must be known of one target before its platforms can be built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from farm.build import proxy_arguments
from farm.inventory import Inventory, Node
from farm.plan import planner
from farm.plan.planner import Plan
from farm.platforms import Platform
from farm.report.events import Emit
from farm.report.outcome import Built
from farm.sources import described, dockerfile
from farm.sources.inputs import Inputs
from farm.sources.spec import Spec
from farm.sources.targets import Target
from farm.workflow import prepare, resume
from farm.workflow.destination import Destination, destination
from farm.workflow.journal import Journal
from farm.workflow.prepare import Source
from farm.workflow.stages import Stages
from farm.workflow.together import both
from farm.workflow.workshop import Workshop


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A target that can be built.

    `spec` is the target's, complete now; `inputs` says of each platform what it is built from, `kept` which are there
    already, each with the run that built it, and `plan` who may build the others.
    """

    spec: Spec
    to: Destination
    source: Source
    platforms: tuple[Platform, ...]
    pins: tuple[str, ...]
    inputs: Mapping[Platform, Inputs]
    kept: Mapping[Platform, tuple[str, Built]]
    plan: Plan


def checked(target: Target, inventory: Inventory, nodes: Mapping[str, Node]) -> Destination:
    """Where the target goes. Raises UsageError for what can be refused before anything is contacted."""
    to = destination(target.spec, inventory, cache=target.cache)
    for proxy in {inventory.proxy, *(node.proxy for node in nodes.values())}:
        proxy_arguments.check(target.spec, proxy)
    return to


async def ready(
    target: Target,
    to: Destination,
    shop: Workshop,
    *,
    may_keep: bool,
    may_resume: bool,
    stages: Stages,
    journal: Journal,
    emit: Emit,
) -> Ready:
    """Fetch the context, fix its base images, find what is there already, and see to it that nodes are awake.

    With `may_keep` off nothing is taken over from an earlier run, and without `may_resume` only what the request says
    to keep: whoever says so has looked at the targets that this one builds on, too. Raises FarmError for what ends this
    target alone.
    """
    request, crew = shop.request, shop.crew
    with stages.measured("probe"):
        _, (source, _) = await both(
            crew.muster(),
            both(shop.contexts.of(target.spec, emit), prepare.registries_answer(to.references, shop.client)),
        )
    spec = _complete(target, source)
    if not spec.platforms:
        await crew.wake_for(())
    platforms = spec.platforms or planner.default_platforms(
        crew.nodes, crew.survey.answers, optional=request.allow_missing
    )
    with stages.measured("sources"):
        pinned = await prepare.pinned(spec, source, platforms, shop.client, shop.inventory.registries, emit)
        # An image of the inventory is looked at night after night, and files may only have been written anew.
        made_of = await prepare.inputs(spec, source, platforms, pinned, by_content=target.origin is not None)
        kept = await resume.kept(
            request.resume if may_keep and may_resume else None,
            to.references,
            made_of,
            journal,
            shop.client,
            emit,
            earlier=request.kept.get(target.name, {}) if may_keep else {},
        )
    wanted = [platform for platform in platforms if platform not in kept]
    if wanted:
        await crew.wake_for(wanted)
    plan = planner.plan(
        wanted,
        crew.nodes,
        crew.survey.answers,
        allow_emulation=request.allow_emulation,
        resting=shop.chronicle.resting(),
        optional=request.allow_missing,
    )
    return Ready(
        spec=spec,
        to=to,
        source=source,
        platforms=platforms,
        pins=pinned.pins,
        inputs=made_of,
        kept=kept,
        plan=plan,
    )


def _complete(target: Target, source: Source) -> Spec:
    """The spec with what an image of the inventory tells of itself."""
    if target.origin is None:
        return target.spec
    declared = dockerfile.declared(source.context.text)
    return described.described(target.spec, target.origin, declared=declared, committed=source.committed)
